// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// next reads what a watch tells until it is of that kind.
func next(t *testing.T, w *client.Watch, kind client.Kind) client.Event {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case event, ok := <-w.Events:
			if ok && event.Kind == kind {
				return event
			}
			if !ok {
				t.Fatalf("no %s, the watch has ended: %v", kind, w.Err())
			}
		case <-late:
			t.Fatalf("no %s", kind)
		}
	}
}

// TestNobodyTakesTheNameAway: who wants the daemon's name may queue for it, and has
// it as soon as the daemon goes. (On the system bus the policy lets nobody else.)
func TestNobodyTakesTheNameAway(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f, thief := b.frontend(), b.frontend()
	token := b.signIn(f)
	owner := b.owner()
	watch, err := b.dial().Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next(t, watch, client.Snapshot)
	for _, try := range []struct { // in this order: who will not queue leaves the queue
		flags dbus.RequestNameFlags
		want  dbus.RequestNameReply
	}{
		{dbus.NameFlagReplaceExisting | dbus.NameFlagDoNotQueue, dbus.RequestNameReplyExists},
		{dbus.NameFlagReplaceExisting, dbus.RequestNameReplyInQueue},
	} {
		if got, err := thief.conn.RequestName(names.Bus, try.flags); err != nil || got != try.want {
			t.Errorf("flags %v: %v %v, want %v", try.flags, got, err, try.want)
		}
	}
	if b.owner() != owner || f.token() != token {
		t.Fatal("the daemon is not the daemon any more")
	}

	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d after SIGTERM", status)
	}
	next(t, watch, client.Gone)
	second := b.launch()
	if status := second.wait(); status != 1 || !strings.Contains(b.output.String(), "taking the bus name "+names.Bus+": another process has it; is plexauthd running already?") {
		t.Errorf("exit status %d with a thief; output:\n%s", status, b.output.String())
	}
	if status, output := b.ctl("status", ""); status != 1 || strings.Contains(output, "panic") {
		t.Errorf("plexauthctl with a thief: exit status %d: %s", status, output)
	}
	if _, err := thief.conn.ReleaseName(names.Bus); err != nil {
		t.Fatal(err)
	}
	b.start()
	if f.token() != token {
		t.Error("the token is another one")
	}
}

// TestTheBusRestarts under a daemon with somebody signed in and a pairing under way:
// daemon and clients say what has happened, and end; the next daemon goes on.
func TestTheBusRestarts(t *testing.T) {
	b := newBox(t)
	p := b.start()
	f := b.frontend()
	token := b.signIn(f)
	id, code := f.requestPin()
	watch, err := b.dial().Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next(t, watch, client.Snapshot)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if status, output := b.ctl("login --force", ""); status != 1 || !strings.Contains(output, "check that D-Bus runs") {
			t.Errorf("plexauthctl login: exit status %d: %s", status, output)
		}
	}()
	for again := false; !again; { // the login has begun its own pairing, in place of ours
		pin := next(t, watch, client.Changed).Status.Pin
		again = pin.ID != 0 && pin.ID != id
		id, code = pin.ID, pin.Code
	}

	b.bus.Restart()
	if status := p.wait(); status != 1 {
		t.Errorf("exit status %d, not 1: the service manager would not restart it", status)
	}
	if says := "the connection to the bus has ended; start plexauthd again when the bus is back"; !strings.Contains(b.output.String(), says) {
		t.Errorf("no line %q:\n%s", says, b.output.String())
	}
	for range watch.Events {
	}
	if client.CodeOf(watch.Err()) != client.Disconnected {
		t.Errorf("the Go client's watch ends with %v", watch.Err())
	}
	<-ended

	b.start()
	f = b.frontend()
	if again, same := f.requestPin(); f.token() != token || again != id || same != code {
		t.Error("the token or the pairing is another one")
	}
	b.claim(code)
	f.await("AuthChanged")
}
