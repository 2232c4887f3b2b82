// SPDX-License-Identifier: Apache-2.0

//go:build box

package boxtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// patience is how long anything in a box may take that nobody measures.
const patience = 15 * time.Second

// simulator is where plex.tv is, for a box.
const simulator = "http://127.0.0.1:32500"

// config has the daemon ask the simulator, often.
const config = "[plex]\nurl = \"" + simulator + "\"\n[pairing]\npoll_interval = \"100ms\"\n"

// bootWithPlex boots a box with a simulator of plex.tv and installs the
// package, which starts the daemon.
func bootWithPlex(t *testing.T, o Options) *Box {
	t.Helper()
	b := Boot(t, o)
	b.Run(t, "systemd-run", "--quiet", "--unit=plextv-sim", "/opt/box/plextv-sim", "--listen", strings.TrimPrefix(simulator, "http://"))
	b.Write(t, "/etc/plexauthd/config.toml", config)
	if o.Package == "" {
		b.Run(t, "dpkg", "--install", "--force-confold", "/opt/box/plexauthd.deb")
	}
	b.Run(t, "systemctl", "restart", "plexauthd")
	return b
}

// onBothBuses runs a test with each of the two programs that can be the bus.
func onBothBuses(t *testing.T, test func(t *testing.T, bus string)) {
	for _, bus := range []string{"dbus", "dbus-broker"} {
		t.Run(bus, func(t *testing.T) { test(t, bus) })
	}
}

// call calls a method as root and returns the values of the answer.
func (b *Box) call(t *testing.T, iface, method string) []any {
	t.Helper()
	out := b.Run(t, "busctl", "--json=short", "call", names.Bus, names.Path, iface, method)
	var answer struct{ Data []any }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%s answered %q: %v", method, out, err)
	}
	return answer.Data
}

// requestPin starts a pairing and returns its code.
func (b *Box) requestPin(t *testing.T) (code string) {
	t.Helper()
	return b.call(t, names.Main, "RequestPin")[1].(string)
}

// claim enters the code at the simulator and waits until the box is signed in.
func (b *Box) claim(t *testing.T, code string) {
	t.Helper()
	b.Run(t, "probe", "post", simulator+"/sim/claim?code="+code)
	b.waitFor(t, "the box to be signed in", func() bool { return b.state() == "signed-in" })
}

// signIn signs the box in and returns the token.
func (b *Box) signIn(t *testing.T) (token string) {
	t.Helper()
	b.claim(t, b.requestPin(t))
	return b.token(t)
}

func (b *Box) token(t *testing.T) string {
	t.Helper()
	return b.call(t, names.Credentials, "GetToken")[0].(string)
}

// state is the property State, "" if nobody answers.
func (b *Box) state() string {
	out, err := b.Try("busctl", "get-property", names.Bus, names.Path, names.Main, "State")
	if err != nil {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(out, "s "), `"`)
}

// unit is a property of the daemon's unit, as systemctl show has it.
func (b *Box) unit(property string) string {
	out, err := b.Try("systemctl", "show", "--value", "--property="+property, "plexauthd")
	if err != nil {
		return err.Error()
	}
	return out
}

// waitForRestart waits until the service runs with another process than before.
func (b *Box) waitForRestart(t *testing.T, before string) (pid string) {
	t.Helper()
	b.waitFor(t, "the daemon to be started again", func() bool {
		pid = b.unit("MainPID")
		return pid != before && pid != "0" && b.unit("ActiveState") == "active"
	})
	return pid
}

// waitFor asks until the answer is yes. Nothing announces most of what these
// tests wait for to somebody outside of the box.
func (b *Box) waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.After(patience); !done(); {
		select {
		case <-deadline:
			t.Fatalf("waited %v for %s; the service: %s", patience, what, b.status())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *Box) status() string {
	out, _ := b.Try("systemctl", "status", "--no-pager", "plexauthd")
	return out
}

// dropIn changes the unit, as an administrator would.
func (b *Box) dropIn(t *testing.T, text string) {
	t.Helper()
	b.Write(t, "/etc/systemd/system/plexauthd.service.d/test.conf", "[Service]\n"+text+"\n")
	b.Run(t, "systemctl", "daemon-reload")
}

// mustEqual fails the test at once if a value is not what it should be.
func mustEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
