// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bootedtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// patience is how long anything in a box may take that nobody measures.
const patience = 15 * time.Second

// State is the property State, "" if nobody answers.
func (b *Box) State() string {
	out, err := b.Try("busctl", "get-property", names.Bus, names.Path, names.Main, "State")
	if err != nil {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(out, "s "), `"`)
}

// Unit is a property of the daemon's unit, as systemctl show has it.
func (b *Box) Unit(property string) string {
	out, err := b.Try("systemctl", "show", "--value", "--property="+property, "plexauthd")
	if err != nil {
		return err.Error()
	}
	return out
}

// WaitForRestart waits until the service runs with another process than before.
func (b *Box) WaitForRestart(t *testing.T, before string) (pid string) {
	t.Helper()
	b.WaitFor(t, "the daemon to be started again", func() bool {
		pid = b.Unit("MainPID")
		return pid != before && pid != "0" && b.Unit("ActiveState") == "active"
	})
	return pid
}

// WaitFor asks until the answer is yes. Nothing announces most of what these
// tests wait for to somebody outside of the box.
func (b *Box) WaitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.After(patience); !done(); {
		select {
		case <-deadline:
			t.Fatalf("waited %v for %s; the service: %s", patience, what, b.Status())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Status is what systemctl status prints of the daemon's unit.
func (b *Box) Status() string {
	out, _ := b.Try("systemctl", "status", "--no-pager", "plexauthd")
	return out
}

// Examine has a user run plexauthctl doctor and returns what it finds, by check.
func (b *Box) Examine(t *testing.T, prefix ...string) (healthy bool, found map[string]doctor.Finding) {
	t.Helper()
	command := append(prefix, "plexauthctl", "doctor", "--json")
	out, err := b.Command(command[0], command[1:]...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%v: %v", command, err)
	}
	var view struct {
		Healthy bool
		Checks  []doctor.Finding
	}
	if jsonErr := json.Unmarshal(out, &view); jsonErr != nil || view.Healthy != (err == nil) {
		t.Fatalf("%v: %v, %v: %s", command, err, jsonErr, out)
	}
	found = make(map[string]doctor.Finding)
	for _, f := range view.Checks {
		found[f.Check] = f
	}
	return view.Healthy, found
}

// Listen listens on the box's own network.
func (b *Box) Listen(address string) (net.Listener, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	back, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer back.Close()
	network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", b.pid))
	if err != nil {
		return nil, err
	}
	defer network.Close()
	if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	return listener, errors.Join(err, unix.Setns(int(back.Fd()), unix.CLONE_NEWNET))
}

// MustEqual fails the test at once if a value is not what it should be.
func MustEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
