// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
)

// life is a box in its world, and what is made of its days.
type life struct {
	testing.TB
	random *rand.Rand
	world  *world
	box    *box
	ledger ledger
	budget budget

	started  time.Time // the daemon
	hindered time.Time // the box could last not have asked plex.tv
	midnight time.Time
	passes   int
	dozed    atomic.Bool // the box was asleep in the middle of a question
	blip     bool        // plex.tv is going to refuse once what it takes the next time
	doubted  bool        // it has, and has not said yet that it was nothing
	diary    []string
}

func newLife(t testing.TB, seed uint64, mode auth.Mode) *life {
	l := &life{TB: t, random: rand.New(rand.NewPCG(seed, 0))}
	l.world = newWorld(t, l.random)
	l.box = newBox(t, l.world, mode)
	now := l.world.clock.Now()
	l.started, l.hindered, l.midnight = now, now, now.Add(day)
	l.budget.idleDays = make(map[string][]int)
	l.budget.disturb(now)
	return l
}

func (l *life) end() {
	l.box.close()
	l.world.close()
}

// note writes in the diary, which is read when something is wrong.
func (l *life) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	l.diary = append(l.diary, l.world.clock.Now().Format("2006-01-02 15:04:05  ")+line)
	l.diary = l.diary[max(0, len(l.diary)-40):]
}

// must ends the test if something is wrong.
func (l *life) must(wrong string) {
	l.Helper()
	if wrong == "" {
		return
	}
	for _, line := range l.diary {
		l.Log(line)
	}
	l.Logf("the last calls: %v", l.budget.calls[max(0, len(l.budget.calls)-40):])
	l.Fatalf("%s: %s", l.world.clock.Now().Format(time.DateTime), wrong)
}

func (l *life) mustNot(err error) {
	l.Helper()
	if err != nil {
		l.must(err.Error())
	}
}

// live lets everything happen up to a time.
func (l *life) live(until time.Time) {
	for {
		l.takeIn()
		if l.box.dead() {
			l.reopen(false)
			continue
		}
		at, i := until, l.world.next(false)
		if i >= 0 && l.world.plan[i].at.Before(until) {
			at = l.world.plan[i].at
		} else {
			i = -1
		}
		wait := at.Sub(l.world.clock.Now())
		if timer, ok := l.box.clock.next(); ok && timer < wait {
			l.pass(timer)
			continue
		}
		l.pass(max(0, wait))
		if i < 0 {
			l.takeIn()
			return
		}
		l.world.take(i)()
	}
}

// pass lets time pass for a box that is awake.
func (l *life) pass(d time.Duration) {
	if l.passes++; d > 30*time.Second && (l.passes%8 == 0 || !l.isGood()) {
		l.box.client.CloseIdleConnections() // as plex.tv would, but not each time: a new one is much work
	}
	l.budget.pass(d, l.isGood())
	l.world.clock.Advance(d)
	l.box.clock.Advance(d)
	if !l.isGood() {
		l.hindered = l.world.clock.Now()
	}
}

// isGood tells whether the box could ask plex.tv and hear an answer.
func (l *life) isGood() bool {
	wall := l.box.clock.wall()
	return l.budget.trouble == nil && wall.After(time.Now()) && wall.Before(time.Now().AddDate(99, 0, 0))
}

// takeIn waits until nobody does anything, and looks at what was done and how the
// box stands.
func (l *life) takeIn() {
	l.Helper()
	l.hear()
	if l.box.dead() {
		return
	}
	for now := l.world.clock.Now(); now.After(l.midnight); l.midnight = l.midnight.Add(day) {
		l.budget.endDay(now, l.modeInUse())
	}
	l.check()
}

// hear waits until nobody does anything, and counts what was asked and signalled.
func (l *life) hear() {
	l.Helper()
	settle(l.box.answers)
	mode := l.modeInUse()
	if l.dozed.Swap(false) {
		l.hindered = l.world.clock.Now()
		l.budget.disturb(l.hindered)
	}
	for _, c := range l.world.door.take() {
		if c.status == 401 {
			l.blip, l.doubted = false, true
		} else if c.kind == "user" && c.status == 200 {
			l.doubted = false
		}
		if l.budget.trouble == nil && (c.status == 0 || c.status == 401) {
			l.budget.disturb(c.at)
			l.budget.allowance += longestPause
		}
		if c.status == 403 { // to the box, that is no refusal, and lasts it for a day
			l.ledger.notice = max(l.ledger.notice, l.budget.good+overdueAfter+longestPause)
		}
		if c.kind == "pin" && l.ledger.pairing != nil {
			l.ledger.pairing.checks++
		}
		l.must(l.budget.book(c, mode, l.started))
	}
	for _, e := range l.box.heard() {
		l.must(l.ledger.take(e))
	}
}

func (l *life) modeInUse() string { return string(l.box.account.Snapshot().Mode) }

// check looks at how the box stands.
func (l *life) check() {
	l.Helper()
	s := l.box.account.Snapshot()
	if p := l.ledger.pairing; p != nil {
		if most := p.opens * int((pairingTimeout+2*time.Minute)/pollInterval); p.checks > most {
			l.must(fmt.Sprintf("plex.tv was asked %d times about one PIN", p.checks))
		}
	}
	l.must(l.ledger.missing(l.budget.good))
	if l.ledger.removed {
		return
	}
	if s.Authenticated != l.ledger.signedIn {
		l.must(fmt.Sprintf("signed in: %v, state %s", s.Authenticated, s.State))
	}
	if !s.Authenticated {
		l.budget.knownAt = l.budget.good
		return
	}
	l.must(l.budget.overdue())
	if now := l.world.clock.Now(); now.Sub(l.hindered) > day+calmAfter && now.Sub(l.budget.disturbed) > day+calmAfter {
		l.must(l.notWell(s, now))
	}
}

// notWell says what is wrong with a box that nothing has disturbed for a day.
func (l *life) notWell(s *auth.Snapshot, now time.Time) string {
	switch {
	case s.State != auth.SignedIn || s.PlexProblem != "" || s.StorageProblem != "":
		return fmt.Sprintf("state %s, %s %s", s.State, s.PlexProblem, s.StorageProblem)
	case s.Mode != l.box.mode:
		return fmt.Sprintf("still in mode %s", s.Mode)
	}
	state := l.box.disk()
	owner := state.Auth
	if state.Owner != nil {
		owner = state.Owner
	}
	if s.Mode == auth.ModeJWT && owner.ExpiresAt.Sub(now) < day {
		return fmt.Sprintf("the token is good until %v", owner.ExpiresAt)
	}
	return ""
}

// call lets f ask something of the box, and time pass while it waits.
func (l *life) call(f func(ctx context.Context)) {
	l.budget.disturb(l.world.clock.Now())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(context.Background())
	}()
	for {
		settle(l.box.answers)
		select {
		case <-done:
			l.hear()
			l.budget.met = nil // what the box asks by itself, it may not have asked yet
			return
		default:
		}
		if wait, ok := l.box.clock.next(); ok {
			l.pass(wait)
		}
	}
}

// reopen starts the daemon again, with what a dead one has left on disk, and with
// an uptime of its own after a boot.
func (l *life) reopen(boot bool) {
	unsure := l.box.dead()
	if unsure {
		l.box.bury()
	} else {
		l.box.close()
		l.takeIn()
	}
	now := l.world.clock.Now()
	l.budget.disturb(now)
	l.budget.allowance += longestPause
	l.started = now
	l.note("start, booted: %v, power was lost: %v", boot, unsure)
	if boot {
		l.box.boot()
	} else {
		l.box.open()
	}
	if p := l.ledger.pairing; p != nil {
		p.opens++
	}
	if unsure {
		l.must(l.ledger.restarted(l.box.account.Snapshot()))
	}
}
