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
	all := b.runAll(watching...)
	code := b.requestPin()
	all.await(asksFor(code))
	b.claim(code, "Ada")
	b.awaitSignIn()
	all.await("Signed in as Ada, token " + b.token())
	b.forge()
	b.clearCredentials()
	code = b.requestPin()
	for _, e := range all {
		e.Await(asksFor(code))
		if printed := e.Printed.String(); strings.Contains(printed, "EVIL") || strings.Count(printed, "Signed in as Ada") != 1 {
			t.Errorf("%q believes anybody; it printed\n%s", e.Args, printed)
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
