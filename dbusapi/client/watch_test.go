// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func watch(t *testing.T, c *client.Client) *client.Watch {
	t.Helper()
	w, err := c.Watch(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// next gives the next event, which must be of that kind.
func next(t *testing.T, w *client.Watch, want client.Kind) client.Event {
	t.Helper()
	e, ok := <-w.Events
	if !ok {
		t.Fatalf("the watch ended before %s: %v", want, w.Err())
	}
	if e.Kind != want {
		t.Fatalf("the event is %s, not %s: %+v", e.Kind, want, e)
	}
	return e
}

func TestWatchTellsEverythingInOrder(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	w := watch(t, c)
	if s := next(t, w, client.Snapshot).Status; s.State != client.SignedOut {
		t.Errorf("first status %+v", s)
	}
	pin, err := c.RequestPin(ctx, client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := next(t, w, client.Changed).Status; s.State != client.PairingNow || s.Pin != pin {
		t.Errorf("status while pairing %+v, not of %+v", s, pin)
	}
	if err := box.Plex.Claim(pin.Code, ""); err != nil {
		t.Fatal(err)
	}
	if s := next(t, w, client.Changed).Status; !s.Authenticated || s.State != client.SignedIn || s.Pin.ID != 0 {
		t.Errorf("status after the claim %+v", s)
	}
	e := next(t, w, client.AuthChanged)
	if !e.Authenticated || e.Reason != client.ReasonSignedIn || e.Status.State != client.SignedIn {
		t.Errorf("sign-in %+v", e)
	}
	if e := next(t, w, client.PinEnded); e.PinID != pin.ID || e.Result != client.PinClaimed {
		t.Errorf("end of pairing %d: %+v", pin.ID, e)
	}
	if _, err := c.SignOut(ctx); err != nil {
		t.Fatal(err)
	}
	next(t, w, client.Changed)
	if e := next(t, w, client.AuthChanged); e.Authenticated || e.Reason != client.ReasonSignedOut {
		t.Errorf("sign-out %+v", e)
	}
}

func TestWatchSurvivesRestarts(t *testing.T) {
	box := clienttest.New(t, bustest.Session(t))
	c := dial(t, box.Bus.Address)
	w := watch(t, c)
	next(t, w, client.Gone)
	box.StartDaemon()
	next(t, w, client.Snapshot)
	pin, err := c.RequestPin(bounded(t), client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	next(t, w, client.Changed)
	for range 20 {
		box.StopDaemon()
		if s := next(t, w, client.Gone).Status; s != (client.Status{}) {
			t.Errorf("status of nobody: %+v", s)
		}
		box.StartDaemon()
		if s := next(t, w, client.Snapshot).Status; s.Pin != pin {
			t.Errorf("the pairing is %+v, not %+v", s.Pin, pin)
		}
	}
	if err := c.CancelPin(bounded(t), pin.ID); err != nil {
		t.Fatal(err)
	}
	next(t, w, client.Changed)
	if e := next(t, w, client.PinEnded); e.Result != client.PinCancelled {
		t.Errorf("the pairing ended: %+v", e)
	}
}

// TestWatchMissesNothing begins watches while the daemon is busy changing and
// comes and goes: what each saw last must be how it is.
func TestWatchMissesNothing(t *testing.T) {
	box, c := start(t)
	box.SignIn()
	ctx := bounded(t)
	last := client.Server{MachineID: "last", URI: "http://last:32400"}
	for round := range 40 {
		if round%10 == 9 {
			box.StopDaemon()
		}
		begun := make(chan *client.Watch)
		go func() {
			w, err := c.Watch(ctx)
			if err != nil {
				t.Error(err)
			}
			begun <- w
		}()
		if round%10 == 9 {
			box.StartDaemon()
		}
		for _, id := range []string{"a", "b", "c"} {
			if err := c.SelectServer(ctx, client.Server{MachineID: id, URI: "http://a:32400"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SelectServer(ctx, last); err != nil {
			t.Fatal(err)
		}
		w := <-begun
		for seen := (client.Server{}); seen != last; {
			e, ok := <-w.Events
			if !ok {
				t.Fatalf("round %d: the last change was missed: %v", round, w.Err())
			}
			seen = e.Status.SelectedServer
		}
	}
}

// overtaken is a daemon that changes while it answers: the signal goes out
// before the answer, which is older.
type overtaken struct{ conn *dbus.Conn }

func (o overtaken) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	for _, state := range []string{"signed-out", "signed-in"} { // the first one is no news
		changed := map[string]dbus.Variant{"State": dbus.MakeVariant(state)}
		_ = o.conn.Emit(names.Path, "org.freedesktop.DBus.Properties.PropertiesChanged", names.Main, changed, []string{})
	}
	return map[string]dbus.Variant{"State": dbus.MakeVariant("signed-out")}, nil
}

func TestWatchTakesWhatOvertakesTheAnswer(t *testing.T) {
	bus := bustest.Session(t)
	conn := bus.Own(t, names.Bus)
	if err := conn.Export(overtaken{conn}, names.Path, names.Properties); err != nil {
		t.Fatal(err)
	}
	w := watch(t, dial(t, bus.Address))
	next(t, w, client.Snapshot)
	if s := next(t, w, client.Changed).Status; s.State != client.SignedIn {
		t.Errorf("the last state is %s", s.State)
	}
}

// TestWatchBelievesTheDaemonAlone has another process send what the daemon would.
func TestWatchBelievesTheDaemonAlone(t *testing.T) {
	box, c := start(t)
	w := watch(t, c)
	next(t, w, client.Snapshot)
	liar, err := dbus.Connect(box.Bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = liar.Close() }()
	var everybody []string
	if err := liar.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&everybody); err != nil {
		t.Fatal(err)
	}
	lies := map[string][]any{
		names.Main + ".AuthChanged":             {true, map[string]dbus.Variant{}},
		"org.freedesktop.DBus.NameOwnerChanged": {names.Bus, "", liar.Names()[0]},
		"org.freedesktop.DBus.Properties.PropertiesChanged": {
			names.Main, map[string]dbus.Variant{"State": dbus.MakeVariant("signed-in")}, []string{},
		},
	}
	for signal, body := range lies {
		for _, name := range everybody {
			liar.Send(bustest.Signal(name, names.Path, signal, body...), nil)
		}
	}
	// The bus has dealt with all of it when it answers.
	if err := liar.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
	if _, err := c.RequestPin(bounded(t), client.PinOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := next(t, w, client.Changed).Status; s.State != client.PairingNow {
		t.Errorf("the state is %s", s.State)
	}
}

func TestWatchEnds(t *testing.T) {
	box, c := start(t)
	ctx, cancel := context.WithCancel(bounded(t))
	byContext, err := c.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	next(t, byContext, client.Snapshot)
	cancel()
	if e, ok := <-byContext.Events; ok {
		t.Errorf("an event after the end: %+v", e)
	}
	if err := byContext.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("ended by its context: %v", err)
	}

	byBus := watch(t, c)
	next(t, byBus, client.Snapshot)
	box.Bus.Stop()
	for range byBus.Events { // the bus may still tell that it lets the daemon go
	}
	checkCode(t, "ended by the bus", byBus.Err(), client.Disconnected)
	_, err = c.Watch(bounded(t))
	checkCode(t, "watch without a bus", err, client.Disconnected)
}

// TestWatchLeavesNothingBehind begins more watches than a system bus lets one
// connection have match rules for.
func TestWatchLeavesNothingBehind(t *testing.T) {
	c := dial(t, bustest.System(t).Address)
	for range 200 {
		ctx, cancel := context.WithCancel(bounded(t))
		w, err := c.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		for range w.Events {
		}
	}
}

// TestWatchSaysWhyItCannotRead has a daemon that does not answer as it should.
func TestWatchSaysWhyItCannotRead(t *testing.T) {
	bus := bustest.Session(t)
	bus.Own(t, names.Bus)
	w := watch(t, dial(t, bus.Address))
	if e, ok := <-w.Events; ok {
		t.Errorf("an event of a daemon that cannot be read: %+v", e)
	}
	checkCode(t, "unreadable daemon", w.Err(), client.Failed)
}
