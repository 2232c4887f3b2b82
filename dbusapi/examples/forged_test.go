// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestForgedSignals has somebody else on the bus send what plexauthd would send when a
// box is signed out and pairs. No example shows any of it.
func TestForgedSignals(t *testing.T) {
	b := newBox(t)
	b.startDaemon()
	var all []*example
	for name, command := range programs {
		all = append(all, b.run(name, append(command, watching...)))
	}
	code := b.requestPin()
	for _, e := range all {
		e.await("Go to https://plex.tv/link and enter " + code)
	}
	b.claim(code, "Ada")
	b.awaitSignIn()
	for _, e := range all {
		e.await("Signed in as Ada, token " + b.token())
	}
	b.forge()
	b.clearCredentials()
	code = b.requestPin()
	for _, e := range all {
		e.await("Go to https://plex.tv/link and enter " + code)
		if printed := e.printed(); strings.Contains(printed, "EVIL") || strings.Count(printed, "Signed in as Ada") != 1 {
			t.Errorf("%s believes anybody; it printed\n%s", e.name, printed)
		}
	}
}

// forge sends the signals to everybody, and to each connection.
func (b *box) forge() {
	b.Helper()
	conn := b.Frontend().Conn
	var connections []string
	if err := conn.BusObject().Call(names.DBus+".ListNames", 0).Store(&connections); err != nil {
		b.Fatal(err)
	}
	none := map[string]dbus.Variant{}
	for _, to := range append(connections, "") {
		conn.Send(bustest.Signal(to, names.Path, properties+".PropertiesChanged", names.Main, pairingWith("EVIL"), []string{}), nil)
		conn.Send(bustest.Signal(to, names.Path, names.Main+".AuthChanged", false, none), nil)
		conn.Send(bustest.Signal(to, names.Path, names.Main+".PinEnded", uint64(1), "expired"), nil)
		conn.Send(bustest.Signal(to, names.Path, names.Main+".AuthChanged", true, none), nil)
	}
	var id string // answered when the bus has passed them on
	if err := conn.BusObject().Call(names.DBus+".GetId", 0).Store(&id); err != nil {
		b.Fatal(err)
	}
}
