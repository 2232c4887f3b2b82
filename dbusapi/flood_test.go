// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const theBus = names.DBus

func TestOneCallerCannotTakeAllPlaces(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t)})
	greedy, other := b.client(), b.client()
	greedy.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	const places, more = 128, 10
	done := make(chan *dbus.Call, places+more)
	for range cap(done) {
		greedy.start(done, names.Main+".Validate")
	}
	for range more {
		reply{await(b, done, "a refusal"), t}.isError(names.ErrLimitsExceeded, "128 calls of this caller")
	}
	greedy.credentials("GetToken").gives("s") // that takes no place
	others := make(chan *dbus.Call, 1)
	other.start(others, names.Main+".Validate")
	b.awaitWatchedCallers(2)
	b.awaitDelayed(1)
	b.plex.Clear() // for calls that are not that far
	b.plexTime.Advance(time.Second)
	for range places {
		reply{await(b, done, "an answer"), t}.gives("b")
	}
	reply{await(b, others, "an answer"), t}.gives("b")
	greedy.main("Validate").gives("b")
}

// TestWhoIsAnsweredMayCallAgain has a caller with as many calls under way as it may
// have. The service's clock stands still: saving may take longer than a call may.
func TestWhoIsAnsweredMayCallAgain(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t), clock: clockwork.NewFakeClock()})
	c := b.client()
	c.signIn(b.token)
	b.delayPlex(plextvsim.GetUser)
	const places, busy = 128, 8
	idle, answers := make(chan *dbus.Call, places), make(chan *dbus.Call, busy)
	for range places - busy {
		c.start(idle, names.Main+".Validate")
	}
	for port := range 3000 {
		if port >= busy {
			reply{await(b, answers, "an answer"), t}.gives("")
		}
		c.start(answers, names.Credentials+".SelectServer", "machine", fmt.Sprintf("http://10.0.0.2:%d", port+1))
	}
	for range busy {
		reply{await(b, answers, "an answer"), t}.gives("")
	}
	b.awaitDelayed(1)
	b.plex.Clear()
	b.plexTime.Advance(time.Second)
	for range places - busy {
		reply{await(b, idle, "an answer"), t}.gives("b")
	}
}

func TestCallsBeforeTheAccountIsOpen(t *testing.T) {
	b := newBox(t, setup{})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	c := b.client()
	const calls = 20
	done := make(chan *dbus.Call, 2*calls)
	var err error
	b.service, err = dbusapi.Serve(b.ctx, dbusapi.Options{Bus: b.bus.Address, Open: func() dbusapi.Account {
		for range calls {
			c.start(done, names.Credentials+".GetAuthHeaders")
			c.start(done, names.Main+".RequestPin")
		}
		// The bus sends the daemon what came before this.
		if err := c.conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.GetId", 0).Err; err != nil {
			t.Error(err)
		}
		return b.account
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * calls {
		if answer := await(b, done, "an answer"); answer.Err != nil {
			t.Errorf("%s: %v", answer.Method, answer.Err)
		}
	}
}

// TestCallsBeforeTheNameIsOurs floods the daemon's connection before the bus has
// said that the name is the daemon's: that answer must get through.
func TestCallsBeforeTheNameIsOurs(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t)})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	c := b.bus.Raw(t)
	var last int
	if _, err := fmt.Sscanf(b.client().conn.Names()[0], ":1.%d", &last); err != nil {
		t.Fatal(err)
	}
	next := bustest.Call(fmt.Sprintf(":1.%d", last+1), names.Peer+".Ping")
	next[2] = byte(dbus.FlagNoReplyExpected)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := c.Write(next); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	var err error
	b.service, err = dbusapi.Serve(b.ctx, dbusapi.Options{Bus: b.bus.Address, Open: func() dbusapi.Account { return b.account }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHotCallsAllocateNothing counts the memory that a call takes, at both ends;
// the test's end takes none.
func TestHotCallsAllocateNothing(t *testing.T) {
	b := newBox(t, setup{})
	b.client().signIn(b.token)
	c := b.bus.Raw(t)
	for _, request := range [][]byte{
		bustest.Call(names.Bus, names.Credentials+".GetAuthHeaders"),
		bustest.Call(names.Bus, names.Credentials+".GetToken"),
		bustest.Call(names.Bus, names.Credentials+".GetStoredCredentials"),
		bustest.Call(names.Bus, properties+".Get", names.Main, "State"),
		bustest.Call(names.Bus, properties+".GetAll", names.Main),
		bustest.Call(names.Bus, names.Peer+".Ping"),
	} {
		if allocated := testing.AllocsPerRun(500, func() { b.call(c, request) }); allocated > 0 {
			t.Errorf("%v allocations for a call of %q", allocated, request)
		}
	}
}

// call calls on a raw connection, and wants an answer that is no error.
func (b *box) call(c *bustest.Raw, request []byte) {
	_, err := c.Write(request)
	if err == nil {
		err = c.Skip()
	}
	if err != nil {
		b.t.Fatalf("%q: %v", request, err)
	}
}
