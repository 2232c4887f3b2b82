// SPDX-License-Identifier: Apache-2.0

//go:build root

package dbusapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const introspectMethod = "org.freedesktop.DBus.Introspectable.Introspect"

// askedAbout gives the user whom a question to polkit is about.
func (c *client) askedAbout(question *dbus.Message) uint32 {
	who := question.Body[0].([]any)[1].(map[string]dbus.Variant)
	if uid, ok := who["uid"].Value().(int32); ok {
		return uint32(uid)
	}
	var uid uint32
	if err := c.conn.BusObject().CallWithContext(c.ctx, theBus+".GetConnectionUnixUser", 0, who["name"].Value()).Store(&uid); err != nil {
		c.t.Error(err)
	}
	return uid
}

// decide answers for polkit until the bus is gone: it wants everybody to
// authenticate, and never hears from the agent of nobody. It gives the questions that
// it leaves open, and those that are withdrawn.
func (b *box) decide() (open, withdrawn <-chan string) {
	asked, left, taken := b.polkit(), make(chan string, 256), make(chan string, 256)
	c := b.client() // the connection that is polkit hears no answers
	go func() {
		for question := range asked {
			switch member := question.Headers[dbus.FieldMember].Value(); {
			case member == "CancelCheckAuthorization":
				taken <- question.Body[0].(string)
			case member != "CheckAuthorization":
			case question.Body[3] == uint32(0):
				b.challenge(question)
			case c.askedAbout(question) == nobody:
				left <- question.Body[4].(string)
			default:
				b.reply(question, authorization{Authorized: true})
			}
		}
	}()
	return left, taken
}

// TestOneUserWaitsForPolkitInAQuarterOfThePlaces has one user call over many
// connections while nobody answers the dialogs.
func TestOneUserWaitsForPolkitInAQuarterOfThePlaces(t *testing.T) {
	_, group := standIns(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	b := newPolkitBox(t, clock)
	open, withdrawn := b.decide()
	const quarter, connections, calls = 8, 5, 20
	var greedy []*stranger
	for range connections {
		s := newStranger(t, b.ctx, b.bus.Address, nobody)
		for range calls {
			s.tell("ask %s.RequestPin", names.Main)
		}
		greedy = append(greedy, s)
	}
	prompts := map[string]bool{}
	for range quarter {
		prompts[await(b, open, "a question to the person")] = true
	}
	// Each call that is not refused for want of a place waits now.
	refused := 0
	answers := make(chan string, connections*calls)
	for _, s := range greedy {
		go func() {
			for range calls {
				answers <- s.answer()
			}
		}()
	}
	for ; refused < connections*calls-quarter; refused++ {
		if answer := await(b, answers, "a refusal"); !strings.HasPrefix(answer, names.ErrLimitsExceeded) {
			t.Errorf("a call too many: %s", answer)
		}
	}
	b.othersAreServed(group)

	clock.Advance(2 * time.Minute)
	for range quarter {
		if answer := await(b, answers, "a refusal"); !strings.HasPrefix(answer, names.ErrAccessDenied) {
			t.Errorf("after two minutes: %s", answer)
		}
		if id := await(b, withdrawn, "the end of a question"); id == "" || !prompts[id] {
			t.Errorf("polkit was told to forget %q of %v", id, prompts)
		}
	}
}

// othersAreServed fails the test unless everybody but nobody's dialogs gets on.
func (b *box) othersAreServed(group uint32) {
	b.t.Helper()
	for name, c := range map[string]struct {
		stranger *stranger
		order    string
		want     string
	}{
		"another user whom a person lets":   {newStranger(b.t, b.ctx, b.bus.Address, another), "ask " + names.Main + ".RequestPin", "ok"},
		"the same with an argument":         {newStranger(b.t, b.ctx, b.bus.Address, another), "ask " + names.Credentials + ".ValidateToken s", "ok"},
		"the same with two":                 {newStranger(b.t, b.ctx, b.bus.Address, another), "ask " + names.Home + ".SwitchUser s s", names.ErrInvalidArgs + " pin: "},
		"the same with a dictionary":        {newStranger(b.t, b.ctx, b.bus.Address, another), "ask " + names.Credentials + ".StoreCredentials a{sv}", names.ErrInvalidArgs},
		"another user":                      {newStranger(b.t, b.ctx, b.bus.Address, another), "call " + names.Main + ".RequestPin", names.ErrAccessDenied},
		"the same user, without dialog":     {newStranger(b.t, b.ctx, b.bus.Address, nobody), "call " + names.Main + ".RequestPin", names.ErrAccessDenied},
		"the same user, introspection":      {newStranger(b.t, b.ctx, b.bus.Address, nobody), "call " + introspectMethod, "ok"},
		"the same user, a property":         {newStranger(b.t, b.ctx, b.bus.Address, nobody), "call " + properties + ".GetAll s", names.ErrUnknownInterface},
		"the same user, a ping":             {newStranger(b.t, b.ctx, b.bus.Address, nobody), "call org.freedesktop.DBus.Peer.Ping", "ok"},
		"a member of the group":             {newStranger(b.t, b.ctx, b.bus.Address, another, group), "call " + names.Main + ".RequestPin", "ok"},
		"the same user as a group's member": {newStranger(b.t, b.ctx, b.bus.Address, nobody, group), "call " + names.Main + ".RequestPin", "ok"},
	} {
		if answer := c.stranger.do("%s", c.order); !strings.HasPrefix(answer, c.want) {
			b.t.Errorf("%s: %s, want %s", name, answer, c.want)
		}
	}
	root := b.client()
	root.main("RequestPin").gives("tsssx")
	root.call(introspectMethod).gives("s")
	root.property("State")
}

// TestPolkitThatHangs leaves even the rules without an answer.
func TestPolkitThatHangs(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	b := newPolkitBox(t, clock)
	asked := b.polkit()
	const quarter, more = 16, 5
	s := newStranger(t, b.ctx, b.bus.Address, nobody)
	for range quarter + more {
		s.tell("ask %s.RequestPin", names.Main)
	}
	for range quarter {
		await(b, asked, "a question to polkit")
	}
	for range more {
		if answer := s.answer(); !strings.HasPrefix(answer, names.ErrLimitsExceeded) {
			t.Errorf("a call too many: %s", answer)
		}
	}
	newStranger(t, b.ctx, b.bus.Address, another).tell("call %s.RequestPin", names.Main)
	await(b, asked, "a question about another user")
	b.client().call(introspectMethod).gives("s")
	clock.Advance(5 * time.Second)
	for range quarter {
		s.isRefused()
	}
}

// TestCallerWhoLeavesADialog has the caller go while a person is asked.
func TestCallerWhoLeavesADialog(t *testing.T) {
	b := newPolkitBox(t, nil)
	open, withdrawn := b.decide()
	s := newStranger(t, b.ctx, b.bus.Address, nobody)
	s.tell("ask %s.RequestPin", names.Main)
	id := await(b, open, "a question to the person")
	s.leave() // the daemon has had the caller watched before it asked
	if got := await(b, withdrawn, "the end of the question"); got != id {
		t.Errorf("polkit was told to forget %q, not %q", got, id)
	}
	b.awaitNoCalls()
}
