package dbusapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// matchRules asks the bus how many rules it keeps for the daemon.
func (b *box) matchRules() uint32 {
	b.t.Helper()
	var stats map[string]dbus.Variant
	err := b.observer.BusObject().CallWithContext(b.ctx,
		"org.freedesktop.DBus.Debug.Stats.GetConnectionStats", 0, names.Bus).Store(&stats)
	if err != nil {
		b.t.Fatal(err)
	}
	return stats["MatchRules"].Value().(uint32)
}

// awaitMatchRules returns when the bus keeps that many rules for the daemon.
func (b *box) awaitMatchRules(want uint32) {
	b.t.Helper()
	for {
		got := b.matchRules()
		if got == want {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("the daemon has %d match rules, want %d", got, want)
		}
	}
}

// watchedCallers asks the bus how many callers the daemon has it watch.
func (b *box) watchedCallers() (watched int) {
	b.t.Helper()
	var rules map[string][]string
	err := b.observer.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.Debug.Stats.GetAllMatchRules", 0).Store(&rules)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, of := range rules {
		for _, rule := range of {
			if strings.Contains(rule, "arg2=''") {
				watched++
			}
		}
	}
	return watched
}

// awaitWatchedCallers returns when the daemon has that many callers watched.
func (b *box) awaitWatchedCallers(want int) {
	b.t.Helper()
	for {
		got := b.watchedCallers()
		if got == want {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("the daemon has %d callers watched, want %d", got, want)
		}
	}
}

func TestCallsThatAskPlexBlockNobody(t *testing.T) {
	b := newBox(t, setup{})
	c, other := b.client(), b.client()
	c.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	slow := make(chan *dbus.Call, 120) // the bus lets one caller wait for 128 answers
	for range 100 {
		c.start(slow, names.Main+".Validate")
	}
	for range 20 {
		c.start(slow, names.Credentials+".ValidateToken", b.token)
	}
	b.awaitDelayed(21) // one question about the stored token for all who want to know
	for _, asker := range []*client{c, other} {
		var headers map[string]string
		asker.credentials("GetAuthHeaders").gives("a{ss}", &headers)
		asker.property("State")
	}
	if len(slow) > 0 {
		t.Fatalf("answered before plex.tv was: %+v", <-slow)
	}
	if rules := b.watchedCallers(); rules != 1 {
		t.Errorf("%d match rules for 1 caller", rules)
	}
	b.plexTime.Advance(time.Second)
	for range cap(slow) {
		if done := <-slow; done.Err != nil || done.Body[0] != true {
			t.Errorf("%s: %v %v", done.Method, done.Body, done.Err)
		}
	}
	b.awaitWatchedCallers(0)
}

func TestCallerWhoLeaves(t *testing.T) {
	b := newBox(t, setup{})
	b.delayPlex(plextvsim.Any)
	for asked, method := range []string{
		names.Main + ".RequestPin", names.Credentials + ".ValidateToken", names.Credentials + ".StoreCredentials",
	} {
		leaving := b.client()
		var args []any
		switch {
		case strings.HasSuffix(method, "ValidateToken"):
			args = []any{b.token}
		case strings.HasSuffix(method, "StoreCredentials"):
			args = []any{map[string]dbus.Variant{"token": dbus.MakeVariant(b.token)}}
		}
		leaving.start(make(chan *dbus.Call, 1), method, args...)
		if err := b.plex.Await(b.ctx, asked+1, plextvsim.Any); err != nil {
			t.Fatal(err)
		}
		if err := leaving.conn.Close(); err != nil {
			t.Fatal(err)
		}
		// plex.tv's time stands still: it is the daemon that gives up.
		if err := b.plex.AwaitAnswers(b.ctx, asked+1, plextvsim.Any); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}
	b.awaitWatchedCallers(0)
	if c := b.client(); c.property("State") != "signed-out" {
		t.Error("somebody is signed in")
	}
}

func TestCallerWhoStaysWhenAnotherLeaves(t *testing.T) {
	b := newBox(t, setup{})
	c, leaving := b.client(), b.client()
	c.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	done := make(chan *dbus.Call, 1)
	c.start(done, names.Main+".Validate")
	leaving.start(make(chan *dbus.Call, 1), names.Main+".Validate")
	b.awaitDelayed(1)
	b.awaitWatchedCallers(2)
	_ = leaving.conn.Close()
	b.awaitWatchedCallers(1)
	b.plexTime.Advance(time.Second)
	if call := <-done; call.Err != nil {
		t.Error(call.Err)
	}
}

func TestForgedNameOwnerChanged(t *testing.T) {
	b := newBox(t, setup{})
	c, liar := b.client(), b.client()
	c.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	done := make(chan *dbus.Call, 1)
	c.start(done, names.Main+".Validate")
	b.awaitDelayed(1)
	victim := c.conn.Names()[0]
	liar.conn.Send(&dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/DBus")),
			dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.DBus"),
			dbus.FieldMember:      dbus.MakeVariant("NameOwnerChanged"),
			dbus.FieldDestination: dbus.MakeVariant(names.Bus),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf("", "", "")),
		},
		Body: []any{victim, victim, ""},
	}, nil)
	liar.call("org.freedesktop.DBus.Peer.Ping").gives("") // the daemon has read the signal
	b.plexTime.Advance(time.Second)
	if call := <-done; call.Err != nil {
		t.Errorf("a call was ended by a signal from somebody else: %v", call.Err)
	}
}

func TestPlexThatNeverAnswers(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	b := newBox(t, setup{clock: clock})
	c := b.client()
	b.delayPlex(plextvsim.GetUser)
	done := make(chan *dbus.Call, 1)
	c.start(done, names.Credentials+".ValidateToken", b.token)
	b.awaitDelayed(1)
	clock.Advance(20 * time.Second)
	reply{<-done, t}.isError(names.ErrorPrefix+"Unreachable", "plex.tv did not answer within 20s")
}
