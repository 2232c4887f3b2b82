// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"context"
	"math"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// between is a time between two, short ones as likely as long ones.
func (l *life) between(shortest, longest time.Duration) time.Duration {
	scale := math.Log(float64(longest) / float64(shortest))
	return time.Duration(float64(shortest) * math.Exp(scale*l.random.Float64()))
}

func (l *life) maybe() bool { return l.random.IntN(2) == 0 }

// mishap lets something happen to the box that nobody is to notice.
func (l *life) mishap() {
	mishaps := []func(){
		l.getIntoTrouble, l.getIntoTrouble, l.getIntoTrouble, l.getIntoTrouble, l.getIntoTrouble,
		l.sleep, l.sleep, l.setClock, l.setClock, l.restart, l.restart, l.loseAnswers,
		l.refuseOnce, l.refuseOnce, l.rotateKeys, l.trap, l.trap, l.askForToken, l.askForServers, l.wake,
	}
	mishaps[l.random.IntN(len(mishaps))]()
}

func (l *life) getIntoTrouble() {
	if l.budget.trouble != nil {
		return
	}
	trouble := newTrouble(l.random)
	length := l.between(time.Minute, trouble.longest)
	l.note("%s for %v", trouble.name, length)
	l.budget.trouble = &trouble
	l.budget.disturb(l.world.clock.Now())
	trouble.begin(l.world)
	l.world.in(length, false, l.endTrouble)
	if l.random.IntN(3) == 0 { // a frontend that will not wait
		for at := l.between(10*time.Second, time.Hour); at < time.Hour; at += l.between(10*time.Second, 20*time.Minute) {
			l.world.in(at, true, l.askForServers)
		}
	}
}

func (l *life) endTrouble() {
	if l.budget.trouble == nil {
		return
	}
	l.note("%s is over", l.budget.trouble.name)
	l.budget.trouble, l.blip = nil, false
	l.budget.disturb(l.world.clock.Now())
	l.budget.allowance += longestPause
	l.ledger.notice += longestPause
	l.world.sim.Clear()
	l.world.way.lead(address(l.world.server))
	if l.maybe() {
		l.wake()
	}
}

// wake says that the network is back, or pretends to.
func (l *life) wake() {
	if l.budget.trouble != nil {
		l.budget.disturb(l.world.clock.Now())
	}
	l.box.account.Wake()
}

func (l *life) sleep() { l.nap(l.between(10*time.Second, 30*day), l.maybe()) }

// nap is a sleep of the box, while the world goes on.
func (l *life) nap(d time.Duration, told bool) {
	l.note("sleeps for %v, told: %v", d, told)
	until := l.world.clock.Now().Add(d)
	for {
		i := l.world.next(true)
		if i < 0 || l.world.plan[i].at.After(until) {
			break
		}
		at := l.world.plan[i].at
		l.world.clock.Advance(max(0, at.Sub(l.world.clock.Now())))
		l.world.take(i)()
	}
	l.world.clock.Advance(max(0, until.Sub(l.world.clock.Now())))
	l.hindered = l.world.clock.Now()
	if l.budget.trouble != nil { // the box has had less of it
		l.budget.disturb(l.hindered)
	}
	if l.maybe() { // no clock ran on in the box
		l.box.clock.set(l.box.clock.wall().Add(-d))
	}
	if told {
		l.wake()
	}
}

// setClock sets the wall clock, by up to 40 years, and perhaps right again later.
func (l *life) setClock() {
	by := l.between(time.Minute, 40*365*day)
	if l.maybe() {
		by = -by
	}
	now := l.world.clock.Now()
	right := l.box.clock.wall().Sub(now).Abs() < time.Hour
	if !right && l.maybe() {
		by = 0
	}
	l.note("the clock is set to be off by %v", by)
	l.box.clock.set(now.Add(by))
}

// restart starts the box or its daemon again, after a while without power.
func (l *life) restart() {
	off := l.between(time.Second, 2*day)
	boot := l.maybe()
	if l.maybe() {
		l.box.kill()
	}
	l.reopenAfter(off, boot)
}

func (l *life) reopenAfter(off time.Duration, boot bool) {
	if !l.box.dead() {
		l.box.close()
		l.takeIn()
	}
	l.nap(off, false)
	if boot && l.maybe() {
		l.note("no battery: it is 1970")
		l.box.clock.set(time.Unix(0, 0))
		l.world.in(l.between(10*time.Second, 3*time.Hour), true, l.ntp)
	}
	l.reopen(boot)
}

func (l *life) ntp() {
	l.note("the clock is right")
	l.budget.disturb(l.world.clock.Now())
	l.budget.allowance += longestPause
	l.box.clock.set(l.world.clock.Now())
}

func (l *life) loseAnswers() {
	if l.budget.trouble != nil {
		return
	}
	endpoints := []plextvsim.Endpoint{plextvsim.Any, plextvsim.GetUser, plextvsim.RefreshJWT, plextvsim.CheckPin}
	l.world.sim.Fail(plextvsim.Fault{Endpoint: endpoints[l.random.IntN(4)], Times: 1 + l.random.IntN(3), Lost: true})
}

// refuseOnce has plex.tv refuse one question that it answers well when it is
// asked again.
func (l *life) refuseOnce() {
	if l.blip || l.doubted || l.budget.trouble != nil {
		return
	}
	endpoints := []plextvsim.Endpoint{plextvsim.GetUser, plextvsim.GetUser, plextvsim.RefreshJWT, plextvsim.HomeUsers}
	l.note("plex.tv is going to refuse once")
	l.blip = true
	l.world.sim.Fail(plextvsim.Fault{Endpoint: endpoints[l.random.IntN(4)], Times: 1, Status: 401})
}

func (l *life) rotateKeys() {
	old := plextvsim.OldKeys(l.random.IntN(3))
	l.note("plex.tv signs with a new key: %d", old)
	l.budget.disturb(l.world.clock.Now())
	l.world.sim.RotateKeys(old)
}

// trap has the box lose its power or fall asleep in the middle of a question.
func (l *life) trap() {
	t := &trap{skip: l.random.IntN(6)}
	dozing := l.between(time.Second, day)
	doze := func() {
		l.world.clock.Advance(dozing)
		l.dozed.Store(true)
	}
	happens := []*func(){&t.before, &t.after}[l.random.IntN(2)]
	if *happens = doze; l.maybe() {
		*happens = l.box.kill
	}
	l.note("a trap is set")
	l.world.door.set(t)
}

// askForToken is a frontend that wants the token, and tries it.
func (l *life) askForToken() {
	var s *auth.Snapshot
	l.call(func(ctx context.Context) { s = l.box.account.Fresh(ctx) })
	if l.box.dead() || !s.Authenticated || l.ledger.removed || !l.isGood() || l.blip {
		return
	}
	l.note("somebody uses the token")
}

func (l *life) askForServers() {
	if !l.ledger.signedIn {
		return
	}
	l.call(func(ctx context.Context) { _, _ = l.box.account.ListServers(ctx) })
}
