// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// TestNobodyTakesTheNameAway: who wants the daemon's name may queue for it, and has
// it as soon as the daemon goes. (On the system bus the policy lets nobody else.)
func TestNobodyTakesTheNameAway(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f, thief := b.Frontend(), b.Frontend()
	token := b.SignIn(f)
	owner := b.Frontend().Owner(names.Bus)
	watch := b.Watch(t.Context())
	watch.MustNext(client.Snapshot)
	for _, try := range []struct { // in this order: who will not queue leaves the queue
		flags dbus.RequestNameFlags
		want  dbus.RequestNameReply
	}{
		{dbus.NameFlagReplaceExisting | dbus.NameFlagDoNotQueue, dbus.RequestNameReplyExists},
		{dbus.NameFlagReplaceExisting, dbus.RequestNameReplyInQueue},
	} {
		if got, err := thief.Conn.RequestName(names.Bus, try.flags); err != nil || got != try.want {
			t.Errorf("flags %v: %v %v, want %v", try.flags, got, err, try.want)
		}
	}
	if b.Frontend().Owner(names.Bus) != owner || f.Token() != token {
		t.Fatal("the daemon is not the daemon any more")
	}

	p.Stop()
	watch.MustNext(client.Gone)
	second := b.Launch()
	if status := second.Wait(); status != 1 || !strings.Contains(b.Printed.String(), "taking the bus name "+names.Bus+": another process has it; is plexauthd running already?") {
		t.Errorf("exit status %d with a thief; output:\n%s", status, b.Printed.String())
	}
	if status, output := b.ctl("status", ""); status != 1 || strings.Contains(output, "panic") {
		t.Errorf("plexauthctl with a thief: exit status %d: %s", status, output)
	}
	if _, err := thief.Conn.ReleaseName(names.Bus); err != nil {
		t.Fatal(err)
	}
	b.Start()
	f.MustHold(token)
}

// TestTheBusRestarts under a daemon with somebody signed in and a pairing under way:
// daemon and clients say what has happened, and end; the next daemon continues.
func TestTheBusRestarts(t *testing.T) {
	b := newBox(t)
	p := b.Start()
	f := b.Frontend()
	token := b.SignIn(f)
	id, code := f.RequestPin()
	watch := b.Watch(t.Context())
	watch.MustNext(client.Snapshot)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if status, output := b.ctl("login --force", ""); status != 1 || !strings.Contains(output, "check that D-Bus runs") {
			t.Errorf("plexauthctl login: exit status %d: %s", status, output)
		}
	}()
	for again := false; !again; { // the login has begun its own pairing, in place of ours
		pin := watch.MustNext(client.Changed).Status.Pin
		again = pin.ID != 0 && pin.ID != id
		id, code = pin.ID, pin.Code
	}

	b.Bus.Restart()
	if status := p.Wait(); status != 1 {
		t.Errorf("exit status %d, not 1: the service manager would not restart it", status)
	}
	if says := "the connection to the bus has ended; start plexauthd again when the bus is back"; !strings.Contains(b.Printed.String(), says) {
		t.Errorf("no line %q:\n%s", says, b.Printed.String())
	}
	for range watch.Events {
	}
	if client.CodeOf(watch.Err()) != client.Disconnected {
		t.Errorf("the Go client's watch ends with %v", watch.Err())
	}
	<-ended

	b.Start()
	f = b.Frontend()
	if again, same := f.RequestPin(); f.Token() != token || again != id || same != code {
		t.Error("the token or the pairing is another one")
	}
	b.Claim(code, "")
	f.Await("AuthChanged")
}
