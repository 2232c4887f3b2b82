// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
)

// This file models the life of a token, for any calls and whatever happens to the
// box and to plex.tv. life_test.go lets it happen to the built programs.
//
// A model is all that can be known of the box from outside. What a command does
// to it and is answered is a method of the command's name; next is what the daemon
// does by itself. A model is a value: nothing changes one.

// weather is how plex.tv answers any question.
type weather string

const (
	fine      weather = "is well"
	down      weather = "cannot be reached"
	portal    weather = "is behind a captive portal"
	broken    weather = "answers 503"
	forbidden weather = "answers 403"
)

// failure is the error of a call that has to ask plex.tv.
func (w weather) failure() string {
	return map[weather]string{
		fine: "", down: "Unreachable", portal: "InvalidResponse", broken: "ServerError", forbidden: "Forbidden",
	}[w]
}

// token is what the box holds. The zero value is none.
type token struct {
	text    string // "" until somebody was given it
	of      string // whose it is
	jwt     bool   // bound to the device key
	refused bool   // plex.tv does not take it
}

type model struct {
	// plex.tv
	weather weather
	pin     string // what became of the PIN under way: "", "gone", or who has claimed it
	key     string // whose token plex.tv gives for the box's device key; "" for nobody's

	// The box, as its state file has it
	pairing uint64
	keyed   bool // the pairing's token will be bound to the device key
	token   token
	over    bool // plex.tv has refused the token for long enough
	server  string

	// The daemon
	running  bool
	jwt      bool   // configured is auth.mode = "jwt"
	asked    bool   // plex.tv has said since the start what it thinks of the token
	verified bool   // it was that the token is good
	doubted  bool   // it was that it is not, but not for long enough
	past     string // what became of earlier pairings: " 7=claimed"
	hindered bool   // a question in the background may have failed: the next one may take long
	lingers  bool   // an answer in the background may be of the time when all was well yet
	unmoved  bool   // plex.tv may have said no to the device key: the next try may be tomorrow

	together bool   // two callers are calling at the same time
	shared   uint64 // the pairing that was under way when they began
	told     string // what was signalled in this step, a line each
}

// The answers that are not errors.
const (
	done = "done"
	yes  = "true"
	no   = "false"
)

// state is the property State.
func (m model) state() string {
	switch {
	case m.pairing != 0 && (m.token.of == "" || m.over):
		return "pairing"
	case m.token.of == "":
		return "signed-out"
	case m.over:
		return "expired"
	case m.verified && !m.doubted:
		return "signed-in"
	default:
		return "unverified"
	}
}

// view is what the properties show.
func (m model) view() view {
	v := view{State: m.state(), Authenticated: m.token.of != "" && !m.over, Pin: m.pairing, AuthMode: "legacy", Server: m.server}
	if m.token.jwt || m.token.of == "" && m.jwt {
		v.AuthMode = "jwt"
	}
	v.Expires = m.token.jwt
	return v
}

func (m model) tell(format string, args ...any) model {
	m.told += fmt.Sprintf(format, args...) + "\n"
	return m
}

func (m model) signedIn(t token) model {
	if t.of != m.token.of {
		m.server = ""
	}
	same := m.token.of != "" && !m.over && t.text != "" && t.text == m.token.text
	m.token, m.over, m.asked, m.verified, m.doubted = t, false, true, true, false
	if !same {
		m = m.tell("AuthChanged true signed-in")
	}
	return m
}

func (m model) signedOut() model {
	if m.token.of == "" {
		return m
	}
	m.token, m.over, m.server, m.asked, m.verified, m.doubted = token{}, false, "", false, false, false
	return m.tell("AuthChanged false signed-out")
}

func (m model) pairingEnds(result string) model {
	m = m.tell("PinEnded %d %s", m.pairing, result)
	m.past += fmt.Sprintf(" %d=%s", m.pairing, result)
	m.pairing, m.pin = 0, ""
	return m
}

// polled is what the daemon makes of plex.tv's answer about the PIN under way.
func (m model) polled() model {
	if m.pin == "gone" {
		return m.pairingEnds("expired")
	}
	claimed := token{of: m.pin, jwt: m.keyed}
	m.key = ""
	if m.keyed {
		m.key = m.pin
	}
	m = m.signedIn(claimed)
	return m.pairingEnds("claimed")
}

// recovers tells whether the box gets another token for its device key.
func (m model) recovers() bool { return m.token.refused && m.key == m.token.of }

// verifies is what the daemon makes of plex.tv's answer about the token; a no has
// to be repeated over half a minute, or a whole one, before it ends a sign-in.
func (m model) verifies() model {
	again := m.doubted
	m.asked, m.doubted = true, false
	switch {
	case m.weather == forbidden && !m.over: // it knows the token, and does not say whose it is
		m.verified = true
	case m.weather == forbidden:
	case m.recovers():
		m = m.renewed()
		fallthrough
	case !m.token.refused:
		if m.verified = true; m.over {
			m.over = false
			m = m.tell("AuthChanged true signed-in")
		}
	case !m.over && !again:
		m.doubted = true
	case !m.over:
		m.over, m.verified = true, false
		m = m.tell("AuthChanged false revoked")
	}
	return m
}

// asksAgain tells that the daemon is going to ask about a token that plex.tv has
// refused. That takes longer than anybody waits here.
func (m model) asksAgain() bool { return m.doubted || m.over && !m.token.refused }

func (m model) renewed() model {
	m.token = token{of: m.token.of, jwt: true}
	return m
}

// step is something that the daemon does by itself; it must, soon, or it may.
type step struct {
	model
	must bool
}

// next is what the daemon may do by itself.
func (m model) next() (steps []step) {
	if !m.running {
		return nil
	}
	if m.pairing != 0 && m.pin != "" && m.weather == fine {
		steps = append(steps, step{m.polled(), true})
	}
	if m.keyed && m.pin != "" && m.pin != "gone" && m.key != m.pin {
		bound := m // for plex.tv, if the box has that key already
		bound.key = m.pin
		bound.token.refused = m.token.refused || m.token.jwt && m.token.of != m.pin
		steps = append(steps, step{bound, false})
	}
	if m.lingers {
		well := m
		well.weather, well.lingers, well.pin = fine, false, ""
		for _, s := range well.next() {
			s.weather, s.lingers, s.pin = m.weather, true, m.pin
			steps = append(steps, step{s.model, false})
		}
	}
	answers := m.weather == fine || m.weather == forbidden
	if m.token.of != "" && (m.asksAgain() || !m.asked) && answers {
		steps = append(steps, step{m.verifies(), !m.asked && !m.hindered})
	}
	wantsMove := m.jwt && m.token.of != "" && !m.token.jwt && !m.over && m.pairing == 0 && m.asked && !m.doubted
	if wantsMove && m.weather == fine {
		switch {
		case m.key == m.token.of, m.key == "" && !m.token.refused:
			moved := m.renewed()
			moved.key, moved.verified = moved.token.of, true
			steps = append(steps, step{moved, !m.hindered && !m.unmoved})
		case m.token.refused: // by that the daemon learns of it
			steps = append(steps, step{m.verifies(), false})
		}
	}
	return steps
}

// later gives m and all that it may become by itself.
func (m model) later() []model {
	all, known := []model{m}, map[model]bool{m: true}
	for i := 0; i < len(all); i++ {
		for _, s := range all[i].next() {
			if !known[s.model] {
				known[s.model] = true
				all = append(all, s.model)
			}
		}
	}
	return all
}

// rests tells that the daemon has nothing more that it must do.
func (m model) rests() bool {
	for _, s := range m.next() {
		if s.must {
			return false
		}
	}
	return true
}

// tells reports whether the box tells of a change of who is signed in, before it rests.
func (m model) tells() bool {
	if strings.Contains(m.told, "AuthChanged") {
		return true
	}
	for _, s := range m.next() {
		if s.must && s.tells() {
			return true
		}
	}
	return false
}

// ended is how an earlier pairing ended, "" if the daemon knows of none: after a
// start it knows of none.
func (m model) ended(id uint64) (result string) {
	_, after, _ := strings.Cut(m.past, fmt.Sprintf(" %d=", id))
	result, _, _ = strings.Cut(after, " ")
	return result
}
