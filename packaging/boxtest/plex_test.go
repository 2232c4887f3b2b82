// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Package boxtest installs and tries the package on a booted system.
package boxtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// simulator is where plex.tv is, for a box.
const simulator = "http://127.0.0.1:32500"

// config has the daemon ask the simulator, often.
const config = "[plex]\nurl = \"" + simulator + "\"\n[pairing]\npoll_interval = \"100ms\"\n"

// box is a booted system with the package.
type box struct{ *bootedtest.Box }

// bootWithPlex boots a box with a simulator of plex.tv and installs the
// package, which starts the daemon.
func bootWithPlex(t *testing.T, o bootedtest.Options) *box {
	t.Helper()
	b := &box{bootedtest.Boot(t, o)}
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
func (b *box) call(t *testing.T, iface, method string) []any {
	t.Helper()
	out := b.Run(t, "busctl", "--json=short", "call", names.Bus, names.Path, iface, method)
	var answer struct{ Data []any }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%s answered %q: %v", method, out, err)
	}
	return answer.Data
}

// requestPin starts a pairing and returns its code.
func (b *box) requestPin(t *testing.T) (code string) {
	t.Helper()
	return b.call(t, names.Main, "RequestPin")[1].(string)
}

// claim enters the code at the simulator and waits until the box is signed in.
func (b *box) claim(t *testing.T, code string) {
	t.Helper()
	b.Run(t, "probe", "post", simulator+"/sim/claim?code="+code)
	b.WaitFor(t, "the box to be signed in", func() bool { return b.State() == "signed-in" })
}

// signIn signs the box in and returns the token.
func (b *box) signIn(t *testing.T) (token string) {
	t.Helper()
	b.claim(t, b.requestPin(t))
	return b.token(t)
}

func (b *box) token(t *testing.T) string {
	t.Helper()
	return b.call(t, names.Credentials, "GetToken")[0].(string)
}

// dropIn changes the unit, as an administrator would.
func (b *box) dropIn(t *testing.T, text string) {
	t.Helper()
	b.Write(t, "/etc/systemd/system/plexauthd.service.d/test.conf", "[Service]\n"+text+"\n")
	b.Run(t, "systemctl", "daemon-reload")
}
