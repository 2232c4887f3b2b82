// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// polkitBus is a bus with polkit, on which a stranger calls.
type polkitBus struct {
	*bustest.Broker
	process   int  // a descriptor of the stranger's, -1 if the bus gives none
	takesOnes bool // polkit, descriptors
	subjects  chan string
	answers   chan *dbus.Message
}

func newPolkitBus(t *testing.T, process int, takesOnes bool) *polkitBus {
	t.Helper()
	b := &polkitBus{process: process, takesOnes: takesOnes, subjects: make(chan string, 8), answers: make(chan *dbus.Message, 8)}
	b.Broker = bustest.NewBroker(t, b.answer)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", b.Address)
	service, err := dbusapi.Serve(t.Context(), dbusapi.Options{Bus: "system", Open: func() dbusapi.Account { return &witness{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Close)
	return b
}

func (b *polkitBus) answer(_ *bustest.BrokerConn, m *dbus.Message, fds []int) []any {
	member := m.Headers[dbus.FieldMember].Value()
	switch {
	case m.Type != dbus.TypeMethodCall:
		b.answers <- m
	case member == "GetConnectionCredentials":
		reported := map[string]dbus.Variant{"UnixUserID": dbus.MakeVariant(uint32(4711))}
		if b.process >= 0 {
			reported["ProcessFD"] = dbus.MakeVariant(dbus.UnixFD(b.process))
		}
		return []any{reported}
	case member == "CheckAuthorization":
		subject, details := m.Body[0].([]any)[0], m.Body[0].([]any)[1].(map[string]dbus.Variant)
		switch pidfd, ok := details["pidfd"].Value().(dbus.UnixFDIndex); {
		case subject == "system-bus-name":
			b.subjects <- fmt.Sprint("name ", details["name"].Value())
		case !ok || !b.takesOnes: // as polkit does before 126
			b.subjects <- "not understood"
			return []any{dbus.NewError("org.freedesktop.PolicyKit1.Error.Failed", []any{"Error parsing unix-process subject: missing pid"})}
		default:
			b.subjects <- fmt.Sprint("process ", processOf(fds[pidfd]), " of ", details["uid"].Value().(int32))
		}
		return []any{struct {
			Authorized, Challenge bool
			Details               map[string]string
		}{true, false, nil}}
	}
	return nil
}

// processOf gives the number of the process that a descriptor is of.
func processOf(pidfd int) string {
	info, _ := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	for line := range strings.Lines(string(info)) {
		if pid, ok := strings.CutPrefix(line, "Pid:"); ok {
			return strings.TrimSpace(pid)
		}
	}
	return "none"
}

func TestPolkitIsToldTheProcess(t *testing.T) {
	cmd := exec.Command("sleep", "1h")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pidfd)
	process := fmt.Sprintf("process %d of 4711", cmd.Process.Pid)
	for _, c := range []struct {
		name      string
		process   int
		takesOnes bool
		want      []string
	}{
		{"both know descriptors", pidfd, true, []string{process}},
		{"polkit does not", pidfd, false, []string{"not understood", "name :1.7"}},
		{"the bus does not", -1, true, []string{"name :1.7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newPolkitBus(t, c.process, c.takesOnes)
			before := 0
			for serial := range uint32(20) {
				b.Owner().SendRaw(wireCall{binary.LittleEndian, names.Path, names.Main, "Validate", "", nil}.encode(serial + 1))
				if answer := <-b.answers; answer.Type != dbus.TypeMethodReply {
					t.Fatalf("the stranger was refused: %v", answer)
				}
				var told []string
				for range len(b.subjects) {
					told = append(told, <-b.subjects)
				}
				if !slices.Equal(told, c.want) {
					t.Fatalf("polkit was asked about %q, want %q", told, c.want)
				}
				if files := openFiles(t); serial == 0 {
					before = len(files)
				} else if len(files) > before {
					t.Fatalf("descriptors stay open: %q", files)
				}
			}
		})
	}
}
