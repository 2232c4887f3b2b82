// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// killAtSignal kills the daemon at the moment at which a caller hears of a change:
// what is signalled is on disk.
func (l *life) killAtSignal(rt *rapid.T) {
	if l.now().weather != fine {
		return
	}
	name, c := draw(rt, "in", l.changes())
	for _, m := range l.models {
		m.told = ""
		if changed, _ := c.means(m, answer{}); !changed.tells() {
			return
		}
	}
	var told []model
	for _, m := range later(l.models) {
		m.told = ""
		changed, _ := c.means(m, answer{})
		for _, after := range changed.later() {
			if strings.Contains(after.told, "AuthChanged") {
				told = append(told, after)
				if !after.token.jwt || m.token.jwt { // a new JWT shows that plex.tv has the key
					after.key = m.key // plex.tv has not heard of it yet
					told = append(told, after)
				}
			}
		}
	}
	l.happen(name+", kill -9 at AuthChanged", func([]model) []model {
		l.callers[0].begin(false, func() { _ = l.process.Kill() })
		go c.do(l.callers[1])
		l.awaitDeath()
		return l.afterDeath(told)
	})
}

// changes are what can end in an AuthChanged, a claim among them.
func (l *life) changes() map[string]command {
	all := l.stores()
	for name, c := range l.commands() {
		if name == "Validate" || name == "SignOut" || name == "ClearCredentials" {
			all[name] = c
		}
	}
	if m := l.now(); m.pairing != 0 && m.pin == "" {
		code, token := l.code(), l.account("ada")
		all["ada claims the PIN"] = command{
			do:    func(*witness) answer { _ = l.Sim.Claim(code, token); return answer{} },
			means: func(m model, _ answer) (model, string) { m.pin = "ada"; return m, "" },
		}
	}
	return all
}

func (l *life) awaitDeath() {
	select {
	case <-l.process.Ended:
	case <-time.After(*l.patience):
		l.fail("no AuthChanged came")
	}
}

// afterDeath gives those of the models that have told all that was heard, as they
// are without the daemon.
func (l *life) afterDeath(models []model) (fits []model) {
	var told [2]string
	for i, w := range l.callers {
		w.catchUp()
		wrong := ""
		if _, told[i], wrong = w.report(); wrong != "" {
			l.fail("%s", wrong)
		}
	}
	for _, m := range models {
		if strings.HasPrefix(m.told, told[0]) && strings.HasPrefix(m.told, told[1]) {
			fits = append(fits, m.ends())
		}
	}
	if len(fits) == 0 {
		l.fail("signalled is\n%snot\n%s", told[0], options(models, func(m model) string { return m.told }))
	}
	return fits
}

// question is a command for which the daemon asks plex.tv, and what has happened if
// it is killed then.
type question struct {
	endpoint plextvsim.Endpoint
	command
	after func(model) model
}

func (l *life) questions() map[string]question {
	m, commands := l.now(), l.commands()
	nothing := func(m model) model { return m }
	all := map[string]question{
		"RequestPin, by force": {plextvsim.RequestPin, commands["RequestPin, by force"], nothing},
		"StoreCredentials":     {plextvsim.GetUser, l.stores()["StoreCredentials of kim"], nothing},
	}
	if m.token.of != "" {
		all["Validate"] = question{plextvsim.GetUser, commands["Validate"], nothing}
		all["SignOut"] = question{plextvsim.SignOut, commands["SignOut"], model.signedOut}
	}
	if m.pairing != 0 && m.pin == "" {
		claim := l.changes()["ada claims the PIN"]
		claimed := func(m model) model { m.pin = "ada"; return m }
		all["a claim"] = question{plextvsim.CheckPin, claim, claimed}
		if m.token.of == "" || m.asked && !m.asksAgain() { // else the question may be about another token
			all["a claim, when it is read"] = question{plextvsim.GetUser, claim, claimed}
		}
	}
	return all
}

// killWhileAsking kills the daemon while it waits for plex.tv's answer: what was
// asked for has not happened, but for a sign-out, and a claim is noticed after the
// next start, also if plex.tv no longer shows the token.
func (l *life) killWhileAsking(rt *rapid.T) {
	if l.now().weather != fine {
		return
	}
	all := l.questions()
	asked := map[string]command{}
	for name, q := range all {
		asked[name] = q.command
	}
	name, _ := draw(rt, "in", asked)
	q := all[name]
	l.happen(name+", kill -9 in the question to plex.tv", func(before []model) []model {
		code := ""
		if name == "a claim, when it is read" {
			code = l.code()
		}
		before = each(before, q.after)
		n := l.Sim.Count(q.endpoint)
		l.Sim.Fail(plextvsim.Fault{Endpoint: q.endpoint, Delay: time.Hour})
		if strings.HasPrefix(name, "a claim") {
			q.do(l.callers[1])
		} else {
			go q.do(l.callers[1])
		}
		l.must(l.Sim.Await(l.rt.Context(), n+1, q.endpoint))
		if code != "" {
			l.must(l.Sim.ExpirePin(code))
		}
		l.process.End()
		l.Sim.Clear()
		return l.afterDeath(before)
	})
}
