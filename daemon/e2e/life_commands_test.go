// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// command is a call: how a caller makes it, and what the model says of it.
type command struct {
	do    func(w *witness) answer
	means func(m model, a answer) (model, string)
}

// commands are the calls by what a person would say of them.
func (l *life) commands() map[string]command {
	all := map[string]command{
		"Validate":         {ask("Validate"), plainly(model.validate)},
		"SignOut":          {ask("Credentials.SignOut"), plainly(model.signOut)},
		"ClearCredentials": {ask("Credentials.ClearCredentials"), plainly(model.clear)},
	}
	for _, server := range []string{"one", "another"} {
		all["SelectServer "+server] = command{
			ask("Credentials.SelectServer", server, "https://"+server+".example"),
			func(m model, _ answer) (model, string) { return m.selectServer(server) },
		}
	}
	for _, strong := range []bool{false, true} {
		for _, force := range []bool{false, true} {
			all["RequestPin"+word(strong, ", strong")+word(force, ", by force")] = l.requestPin(strong, force)
		}
	}
	current := l.now().pairing
	for which, id := range map[string]uint64{"": current, " of an old one": l.oldPairing(current), " of none": 7} {
		all["CancelPin"+which] = command{ask("CancelPin", id), func(m model, a answer) (model, string) { return m.cancelPin(a, id) }}
		all["CheckPinStatus"+which] = command{
			ask("CheckPinStatus", id),
			func(m model, _ answer) (model, string) { return m.checkPin(id) },
		}
	}
	if pin := l.now().pin; pin != "" && pin != "gone" {
		// What becomes of a code that is given up, and has been claimed while plex.tv
		// could not be asked, is not looked at here.
		delete(all, "CancelPin")
	}
	return all
}

func word(really bool, text string) string {
	if really {
		return text
	}
	return ""
}

func plainly(means func(model) (model, string)) func(model, answer) (model, string) {
	return func(m model, _ answer) (model, string) { return means(m) }
}

// stores are the calls of StoreCredentials. Each has a token made for it.
func (l *life) stores() map[string]command {
	all := map[string]command{"StoreCredentials of nobody": l.store(token{text: "no-such-token-at-all", refused: true}, false)}
	for _, who := range []string{"ada", "kim"} {
		given := token{text: l.account(who), of: who}
		all["StoreCredentials of "+who] = l.store(given, false)
		all["StoreCredentials of "+who+", named"] = l.store(given, true)
	}
	if held := l.now().token; held.text != "" {
		all["StoreCredentials again"] = l.store(held, false)
	}
	return all
}

func (l *life) store(given token, named bool) command {
	credentials := map[string]dbus.Variant{"token": dbus.MakeVariant(given.text)}
	if named {
		credentials["user_id"] = dbus.MakeVariant(map[string]string{"ada": "101", "kim": "102"}[given.of])
		credentials["username"] = dbus.MakeVariant(given.of)
	}
	return command{
		ask("Credentials.StoreCredentials", credentials),
		func(m model, _ answer) (model, string) {
			t := given
			switch {
			case m.token.text == t.text:
				t = m.token
			case isJWT(t.text), l.held[t.text]:
				t.refused = true // plex.tv has ended it with the next one
			}
			return m.store(t, named)
		},
	}
}

// ask is a call whose answer is the first of its results, if it has any.
func ask(member string, args ...any) func(*witness) answer {
	return func(w *witness) answer {
		reply := w.Call(member, args...)
		if reply.Err != nil {
			return answer{text: errorName(reply.Err)}
		}
		if len(reply.Body) > 0 {
			return answer{text: fmt.Sprint(reply.Body[0])}
		}
		return answer{text: done}
	}
}

func (l *life) requestPin(strong, force bool) command {
	return command{
		do: func(w *witness) answer {
			options := map[string]dbus.Variant{"strong": dbus.MakeVariant(strong), "force": dbus.MakeVariant(force)}
			reply := w.Call("RequestPinWithOptions", options)
			if reply.Err != nil {
				return answer{text: errorName(reply.Err)}
			}
			id := reply.Body[0].(uint64)
			return answer{text: fmt.Sprint("pairing ", id), id: id}
		},
		means: func(m model, a answer) (model, string) { return m.requestPin(a, force) },
	}
}

// oldPairing is one that is over, 0 if none is.
func (l *life) oldPairing(current uint64) uint64 {
	for i := len(l.pairings) - 1; i >= 0; i-- {
		if l.pairings[i] != current {
			return l.pairings[i]
		}
	}
	return 0
}

// code is what somebody types to claim the pairing under way.
func (l *life) code() string {
	l.callers[0].mu.Lock()
	defer l.callers[0].mu.Unlock()
	var pin []any
	_ = dbus.Store([]any{l.callers[0].seen["Pin"].Value()}, &pin)
	return pin[1].(string)
}

func errorName(err error) string {
	if e, ok := err.(dbus.Error); ok {
		return strings.TrimPrefix(e.Name, names.ErrorPrefix)
	}
	return err.Error()
}

// heard records the pairing of an answer.
func (l *life) heard(a answer) {
	for _, id := range l.pairings {
		if id == a.id {
			return
		}
	}
	if a.id != 0 {
		l.pairings = append(l.pairings, a.id)
		l.gather()
	}
}

// call makes the call and holds its answer to the models.
func (l *life) call(c command, caller int, before []model) (after []model) {
	a := c.do(l.callers[caller])
	l.heard(a)
	wanted := map[string]bool{}
	for _, m := range later(before) {
		next, want := c.means(m, a)
		if wanted[want] = true; want == a.text {
			after = append(after, next)
		}
	}
	if len(after) == 0 {
		l.fail("the answer is %q, not %s", a, anyOf(wanted))
	}
	return after
}

// callTogether makes two calls at the same time: there is an order in which they
// could have been made one after the other.
func (l *life) callTogether(calls [2]command, before []model) (after []model) {
	var got [2]answer
	first := make(chan answer, 1)
	for _, w := range l.callers {
		w.begin(true, nil)
	}
	go func() { first <- calls[0].do(l.callers[0]) }()
	got[1] = calls[1].do(l.callers[1])
	got[0] = <-first
	l.heard(got[0])
	l.heard(got[1])
	for _, m := range before {
		m.together, m.shared = true, m.pairing
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			between, want := calls[order[0]].means(m, got[order[0]])
			if want != got[order[0]].text {
				continue
			}
			for _, between := range later([]model{between}) {
				next, want := calls[order[1]].means(between, got[order[1]])
				if next.together, next.shared = false, 0; want == got[order[1]].text {
					after = append(after, next)
				}
			}
		}
	}
	if len(after) == 0 {
		l.fail("the answers %q and %q fit no order of the calls", got[0], got[1])
	}
	return after
}

func anyOf(texts map[string]bool) string {
	var all []string
	for text := range texts {
		all = append(all, fmt.Sprintf("%q", text))
	}
	slices.Sort(all)
	return strings.Join(all, " or ")
}
