// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
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

// until waits until something is as it should be; now says how it is.
func (b *box) until(done func() (ok bool, now any)) {
	b.t.Helper()
	for {
		ok, now := done()
		if ok {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("in the end the daemon has %v", now)
		}
		runtime.Gosched()
	}
}

// awaitMatchRules returns when the bus keeps that many rules for the daemon.
func (b *box) awaitMatchRules(want uint32) {
	b.t.Helper()
	b.until(func() (bool, any) { got := b.matchRules(); return got == want, fmt.Sprint(got, " match rules") })
}

// watchedCallers asks the bus how many callers the daemon has it watch.
func (b *box) watchedCallers() (watched int) {
	b.t.Helper()
	return len(b.rulesWith("arg2=''"))
}

// rulesWith asks the bus for the match rules that have the text.
func (b *box) rulesWith(text string) (found []string) {
	b.t.Helper()
	var rules map[string][]string
	err := b.observer.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.Debug.Stats.GetAllMatchRules", 0).Store(&rules)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, of := range rules {
		for _, rule := range of {
			if strings.Contains(rule, text) {
				found = append(found, rule)
			}
		}
	}
	return found
}

// leave ends a caller's connection once the daemon has the bus watch the caller:
// who leaves before that is not noticed.
func (b *box) leave(c *client) {
	b.t.Helper()
	rule := "arg0='" + c.conn.Names()[0] + "',arg2=''"
	b.until(func() (bool, any) { return len(b.rulesWith(rule)) > 0, "the caller not watched" })
	_ = c.conn.Close()
}

// awaitWatchedCallers returns when the daemon has that many callers watched.
func (b *box) awaitWatchedCallers(want int) {
	b.t.Helper()
	b.until(func() (bool, any) { got := b.watchedCallers(); return got == want, fmt.Sprint(got, " callers watched") })
}

func TestCallsThatAskPlexBlockNobody(t *testing.T) {
	b := newBox(t, setup{})
	c, other := b.client(), b.client()
	c.signIn(b.token)
	var tokens [20]string // the answer about one is shared
	for i := range tokens {
		tokens[i] = b.plex.AddUser(plextvsim.User{Username: fmt.Sprint("user", i)})
	}
	b.delayPlex(plextvsim.GetUser)
	slow := make(chan *dbus.Call, 120) // the bus lets one caller wait for 128 answers
	for range 100 {
		c.start(slow, names.Main+".Validate")
	}
	for _, token := range tokens {
		c.start(slow, names.Credentials+".ValidateToken", token)
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
	b.plex.Clear() // for calls that are not that far
	b.plexTime.Advance(time.Second)
	for range cap(slow) {
		if done := <-slow; done.Err != nil || done.Body[0] != true {
			t.Errorf("%s: %v %v", done.Method, done.Body, done.Err)
		}
	}
	b.awaitWatchedCallers(0)
}

// callsOfPlex gives the arguments of every call for which plex.tv is asked.
func (b *box) callsOfPlex() map[string][]any {
	b.t.Helper()
	kim, err := b.plex.AddHomeUser(b.token, plextvsim.User{Username: "kim"})
	if err != nil {
		b.t.Fatal(err)
	}
	return map[string][]any{
		names.Main + ".RequestPin":                nil,
		names.Main + ".RequestPinWithOptions":     {options{"strong": dbus.MakeVariant(true)}},
		names.Main + ".Validate":                  nil,
		names.Credentials + ".ValidateToken":      {"another"},
		names.Credentials + ".StoreCredentials":   {options{"token": dbus.MakeVariant("another")}},
		names.Credentials + ".SignOut":            nil,
		names.Credentials + ".ListServers":        nil,
		names.Credentials + ".GetServerHeaders":   {machineID},
		names.Credentials + ".RenewServerHeaders": {machineID},
		names.Home + ".ListUsers":                 nil,
		names.Home + ".SwitchUser":                {kim, ""},
	}
}

// TestCallerWhoLeaves has a caller go while plex.tv takes its time: the daemon gives
// up asking, changes nothing and keeps nothing of the caller. SignOut has signed out
// by then, and goes on to revoke.
func TestCallerWhoLeaves(t *testing.T) {
	b := newBox(t, setup{})
	for method := range b.callsOfPlex() {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, setup{})
			c, leaving := b.client(), b.client()
			c.signIn(b.token)
			args := b.callsOfPlex()[method]
			before := b.plex.Count(plextvsim.Any)
			b.delayPlex(plextvsim.Any)
			leaving.start(make(chan *dbus.Call, 1), method, args...)
			if err := b.plex.Await(b.ctx, before+1, plextvsim.Any); err != nil {
				t.Fatal(err)
			}
			b.leave(leaving)
			signsOut := method == names.Credentials+".SignOut"
			if !signsOut {
				// plex.tv's time stands still: it is the daemon that gives up.
				if err := b.plex.AwaitAnswers(b.ctx, before+1, plextvsim.Any); err != nil {
					t.Fatal(err)
				}
			}
			b.awaitNobodyIsServed()
			if c.property("Authenticated") == signsOut || !reflect.DeepEqual(c.property("Pin"), noPin()) {
				t.Errorf("Authenticated = %v, Pin = %v", c.property("Authenticated"), c.property("Pin"))
			}
			if !signsOut {
				var user options
				if c.credentials("GetCurrentUser").gives("a{sv}", &user); user["uuid"].Value() != aliceUUID {
					t.Errorf("the user is %v", user)
				}
			}
		})
	}
}

// The pairing goes on when the caller that asked about it leaves.
func TestCallerWhoLeavesAPairing(t *testing.T) {
	b := newBox(t, setup{})
	c, leaving := b.client(), b.client()
	p := c.requestPin()
	before := b.plex.Count(plextvsim.CheckPin)
	b.delayPlex(plextvsim.CheckPin)
	leaving.start(make(chan *dbus.Call, 1), names.Main+".CheckPinStatus", p.ID)
	if err := b.plex.Await(b.ctx, before+1, plextvsim.CheckPin); err != nil {
		t.Fatal(err)
	}
	b.leave(leaving)
	b.awaitNobodyIsServed()
	b.plex.Clear()
	if err := b.plex.Claim(p.Code, b.token); err != nil {
		t.Fatal(err)
	}
	b.plexTime.Advance(time.Second)
	c.skipTo(names.Main + ".AuthChanged")
}

// awaitNobodyIsServed returns when the daemon keeps nothing of any caller.
func (b *box) awaitNobodyIsServed() {
	b.t.Helper()
	b.awaitWatchedCallers(0)
	b.awaitNoCalls()
}

// awaitNoCalls returns when the daemon works on no call.
func (b *box) awaitNoCalls() {
	b.t.Helper()
	b.until(func() (bool, any) {
		calls, callers := b.service.InFlight()
		return calls+callers == 0, fmt.Sprint(calls, " calls to work on, and something of ", callers, " callers")
	})
}

func TestRememberedCallersAreBounded(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Roomy(t)})
	_, most := b.service.RememberedCallers()
	hello := bustest.Call(names.Bus, names.Credentials+".GetAuthHeaders")
	for range most + most/4 {
		c := b.bus.Raw(t)
		b.call(c, hello)
		_ = c.Close()
	}
	if now, _ := b.service.RememberedCallers(); now > most || now == 0 {
		t.Errorf("%d callers are remembered, %d may be", now, most)
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
	b.leave(leaving)
	b.awaitWatchedCallers(1)
	b.plex.Clear() // for a call that is not that far
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
	liar.conn.Send(bustest.Signal(names.Bus, names.DBusPath, theBus+".NameOwnerChanged", victim, victim, ""), nil)
	liar.call("org.freedesktop.DBus.Peer.Ping").gives("") // the daemon has read the signal
	b.plexTime.Advance(time.Second)
	if call := <-done; call.Err != nil {
		t.Errorf("a call was ended by a signal from somebody else: %v", call.Err)
	}
}
