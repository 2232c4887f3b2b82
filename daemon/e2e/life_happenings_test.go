// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"pgregory.net/rapid"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// happenings are what can happen to a box. What cannot happen now does not.
func (l *life) happenings() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":                          func(*rapid.T) { l.agrees() },
		"StoreCredentials":          l.whileRunning(func(rt *rapid.T) { l.drawnCall(rt, l.stores()) }),
		"call":                      l.whileRunning(func(rt *rapid.T) { l.drawnCall(rt, l.commands()) }),
		"Validate in some weather":  l.whileRunning(l.validate),
		"RequestPin":                l.whileRunning(func(rt *rapid.T) { l.drawnCall(rt, only(l.commands(), "RequestPin")) }),
		"two calls at once":         l.whileRunning(l.drawnCalls),
		"claim":                     l.bounded(l.claim),
		"the PIN expires":           l.bounded(l.expirePin),
		"plex.tv revokes the token": l.bounded(l.revoke),
		"plex.tv takes it back":     l.bounded(l.forgive),
		"the JWT ends":              l.bounded(l.endJWT),
		"401 to one question":       l.whileRunning(l.refuseOnce),
		"the weather changes":       l.bounded(l.changeWeather),
		"kill -9 or start":          l.bounded(l.killOrStart),
		"SIGTERM":                   l.whileRunning(l.stopDaemon),
		"SIGHUP":                    l.whileRunning(l.reload),
		"kill -9 at AuthChanged":    l.whileRunning(l.killAtSignal),
		"kill -9 in a question":     l.whileRunning(l.killWhileAsking),
		"nothing for a while":       l.whileRunning(l.rest),
	}
}

// bounded does nothing when the life has been long enough.
func (l *life) bounded(do func(*rapid.T)) func(*rapid.T) {
	return func(rt *rapid.T) {
		if l.steps < mostSteps {
			do(rt)
			l.steps++
		}
	}
}

// whileRunning starts a daemon that does not run.
func (l *life) whileRunning(do func(*rapid.T)) func(*rapid.T) {
	return l.bounded(func(rt *rapid.T) {
		if !l.now().running {
			l.killOrStart(rt)
			return
		}
		do(rt)
	})
}

func only(commands map[string]command, prefix string) map[string]command {
	for name := range commands {
		if !strings.HasPrefix(name, prefix) {
			delete(commands, name)
		}
	}
	return commands
}

func draw(rt *rapid.T, what string, commands map[string]command) (name string, c command) {
	all := make([]string, 0, len(commands))
	for name := range commands {
		all = append(all, name)
	}
	slices.Sort(all)
	name = rapid.SampledFrom(all).Draw(rt, what)
	return name, commands[name]
}

func (l *life) drawnCall(rt *rapid.T, commands map[string]command) {
	name, c := draw(rt, "call", commands)
	caller := rapid.IntRange(0, 1).Draw(rt, "caller")
	l.happen(fmt.Sprintf("%s by caller %d", name, caller), func(before []model) []model { return l.call(c, caller, before) })
}

// validate also waits for what the daemon makes of a 403, which is to be nothing.
func (l *life) validate(rt *rapid.T) {
	l.changeWeather(rt)
	l.drawnCall(rt, only(l.commands(), "Validate"))
	if m := l.now(); m.weather == forbidden && m.token.of != "" && !m.over {
		l.rest(rt)
	}
}

func (l *life) drawnCalls(rt *rapid.T) {
	commands := l.commands()
	if !l.now().jwt { // a move that another token interrupts is a story of its own
		for name, c := range l.stores() {
			commands[name] = c
		}
		// Who signs out and stores that very token at once has a dead one or none.
		delete(commands, "StoreCredentials again")
	}
	first, a := draw(rt, "caller 0", commands)
	second, b := draw(rt, "caller 1", commands)
	l.happen(first+" and "+second+" at once", func(before []model) []model { return l.callTogether([2]command{a, b}, before) })
}

// begins gives the box something to lose.
func (l *life) begins(rt *rapid.T) {
	if begin := rapid.SampledFrom([]string{"signed out", "pairing", "signed in"}).Draw(rt, "it begins"); begin != "signed out" {
		l.happen("RequestPin by caller 0", func(before []model) []model { return l.call(l.requestPin(false, false), 0, before) })
		if begin == "signed in" {
			l.claim(rt)
		}
	}
}

func (l *life) claim(rt *rapid.T) {
	m := l.now()
	if m.pairing == 0 || m.pin != "" {
		return
	}
	who := rapid.SampledFrom([]string{"ada", "kim"}).Draw(rt, "who")
	if noticed := m.running && m.weather == fine; !noticed && m.token.of+m.key != "" {
		// Who takes a device over is whose tokens plex.tv then takes from it; that the
		// box learns of it late is not looked at here.
		who = m.token.of
		if who == "" {
			who = m.key
		}
	}
	l.happen(who+" claims the PIN", func(before []model) []model {
		l.must(l.Sim.Claim(l.code(), l.account(who)))
		return each(before, func(m model) model { m.pin = who; return m })
	})
}

func (l *life) must(err error) {
	if err != nil {
		l.fail("%v", err)
	}
}

func (l *life) expirePin(rt *rapid.T) {
	if m := l.now(); m.pairing == 0 || m.pin != "" {
		return
	}
	l.happen("the PIN expires at plex.tv", func(before []model) []model {
		l.must(l.Sim.ExpirePin(l.code()))
		return each(before, func(m model) model { m.pin = "gone"; return m })
	})
}

// revoke is what a person does at plex.tv: to a JWT by removing the device.
func (l *life) revoke(rt *rapid.T) {
	m := l.now()
	if moving := m.jwt && !m.token.jwt && m.hindered; m.token.text == "" || m.token.refused || m.pin != "" || moving {
		return
	}
	status := rapid.SampledFrom([]int{http.StatusUnauthorized, http.StatusUnprocessableEntity}).Draw(rt, "status")
	l.happen(fmt.Sprintf("plex.tv revokes the token (%d)", status), func(before []model) []model {
		if m.token.jwt {
			l.must(l.Sim.RemoveDevice(l.clientID()))
		} else {
			l.must(l.Sim.Refuse(m.token.text, status))
		}
		return each(before, func(m model) model {
			if m.token.refused = true; m.token.jwt {
				m.key = ""
			}
			return m
		})
	})
}

func (l *life) clientID() string {
	state, err := l.callers[0].disk()
	l.must(err)
	return state.ClientID
}

// forgive is the end of an outage of plex.tv's sign-in service.
func (l *life) forgive(rt *rapid.T) {
	m := l.now()
	if !m.token.refused || m.token.jwt || m.token.text == "" {
		return
	}
	l.happen("plex.tv takes the token again", func(before []model) []model {
		l.must(l.Sim.Refuse(m.token.text, 0))
		return each(before, func(m model) model { m.token.refused = false; return m })
	})
}

func (l *life) endJWT(rt *rapid.T) {
	m := l.now()
	if !m.token.jwt || m.token.refused || m.token.text == "" {
		return
	}
	status := rapid.SampledFrom([]int{498, http.StatusUnauthorized}).Draw(rt, "status")
	l.happen(fmt.Sprintf("the JWT has expired at plex.tv (%d)", status), func(before []model) []model {
		l.must(l.Sim.Refuse(m.token.text, status))
		return each(before, func(m model) model { m.token.refused = true; return m })
	})
}

// refuseOnce is an outage of one question's length.
func (l *life) refuseOnce(*rapid.T) {
	m := l.now()
	if m.token.of == "" || m.token.refused || !m.asked || m.weather != fine {
		return
	}
	l.happen("plex.tv answers 401 once, to a Validate", func(before []model) []model {
		l.Sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: http.StatusUnauthorized, Times: 1})
		return l.call(command{ask("Validate"), plainly(model.validateRefusedOnce)}, 0, before)
	})
}

func (l *life) changeWeather(rt *rapid.T) {
	w := rapid.SampledFrom([]weather{fine, fine, fine, down, portal, broken, forbidden}).Draw(rt, "plex.tv")
	l.happen("plex.tv "+string(w), func(before []model) []model {
		l.Sim.Clear()
		switch w {
		case down:
			l.Sim.Fail(plextvsim.Fault{Reset: true})
		case portal:
			l.Sim.Fail(plextvsim.CaptivePortal())
		case broken:
			l.Sim.Fail(plextvsim.Fault{Status: http.StatusServiceUnavailable})
		case forbidden:
			l.Sim.Fail(plextvsim.Fault{Status: http.StatusForbidden})
		}
		return each(before, func(m model) model { return m.feels(w) })
	})
}

func (l *life) killOrStart(*rapid.T) {
	if !l.now().running {
		l.happen("plexauthd starts", func(before []model) []model {
			l.models = before
			l.startDaemon()
			return l.models
		})
		return
	}
	l.happen("kill -9", func(before []model) []model {
		l.process.End()
		return each(before, model.ends)
	})
}

func (l *life) stopDaemon(*rapid.T) {
	l.happen("SIGTERM", func(before []model) []model {
		l.process.Signal(syscall.SIGTERM)
		if status := l.process.Wait(); status != 0 {
			l.fail("exit status %d", status)
		}
		return each(before, model.ends)
	})
}

// reload does not overtake a move to the device key that finds the token refused.
func (l *life) reload(rt *rapid.T) {
	if m := l.now(); m.jwt && m.token.refused && !m.token.jwt && !m.doubted && !m.over {
		return
	}
	jwt := rapid.Bool().Draw(rt, "device key")
	l.happen(fmt.Sprintf("SIGHUP with a device key wanted: %v", jwt), func(before []model) []model {
		l.process.Reload(lifeConfig(jwt))
		return each(before, func(m model) model { return m.reloads(jwt) })
	})
}

// rest lets time pass.
func (l *life) rest(*rapid.T) {
	l.happen("nothing for a while", func(before []model) []model {
		for quiet := time.After(quietFor); ; {
			select {
			case <-l.callers[0].heard: // settle says whether that may be
			case <-quiet:
				return before
			}
		}
	})
}
