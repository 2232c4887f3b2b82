// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"context"
	"fmt"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// person lets somebody do something.
func (l *life) person() {
	switch {
	case l.ledger.pairing != nil || l.ledger.removed:
	case !l.ledger.signedIn:
		l.pair()
	default:
		[]func(){l.signOut, l.pair, l.switchUser, l.switchUser, l.removeDevice}[l.random.IntN(5)]()
	}
}

// pair asks for a PIN and plans what becomes of it.
func (l *life) pair() {
	var shown auth.Pairing
	var err error
	l.call(func(ctx context.Context) {
		shown, err = l.box.account.RequestPin(ctx, auth.PinOptions{Strong: l.maybe()})
		if err == nil {
			l.ledger.pairing = l.newPairing(shown.ID)
		}
	})
	if err != nil || l.box.dead() {
		l.note("no PIN: %v", err)
		l.world.in(l.between(time.Minute, 6*time.Hour), true, l.person)
		return
	}
	l.note("a PIN")
	p := l.ledger.pairing
	if p == nil { // it took all its time to ask for it
		l.world.in(time.Minute, true, l.person)
		return
	}
	later := time.Duration(5+l.random.IntN(240)) * time.Second
	switch l.random.IntN(6) {
	case 0:
		l.world.in(later, true, func() { l.cancel(p) })
	case 1: // nobody claims it
	default:
		l.world.in(later, false, func() { l.claim(p, shown.Code) })
	}
	if l.maybe() {
		l.world.in(time.Duration(l.random.IntN(240))*time.Second, true, l.mishap)
	}
	l.world.in(day, true, func() { l.ended(p) })
}

func (l *life) newPairing(id uint64) *pairing {
	return &pairing{id: id, startedAt: l.box.clock.FakeClock.Now(), opens: 1}
}

func (l *life) claim(p *pairing, code string) {
	if err := l.world.sim.Claim(code, l.world.person); err != nil {
		l.note("no claim: %v", err)
		return
	}
	l.note("claimed")
	p.claimed = true
	l.budget.disturb(l.world.clock.Now())
}

func (l *life) cancel(p *pairing) {
	l.note("cancelled")
	l.call(func(ctx context.Context) { _ = l.box.account.CancelPin(ctx, p.id) })
}

// ended is when a pairing must have ended. Who is not signed in tries again.
func (l *life) ended(p *pairing) {
	if l.ledger.pairing == p {
		if awake := l.box.clock.FakeClock.Since(p.startedAt); awake > time.Hour {
			l.must(fmt.Sprintf("a pairing goes on for %v", awake))
		}
		l.world.in(time.Hour, true, func() { l.ended(p) })
	} else if !l.ledger.signedIn {
		l.person()
	}
}

func (l *life) signOut() {
	l.note("signs out")
	l.ledger.signOuts++
	l.call(func(ctx context.Context) {
		var err error
		if l.maybe() {
			_, err = l.box.account.SignOut(ctx)
		} else {
			err = l.box.account.Clear(ctx)
		}
		if err != nil && !l.box.dead() {
			l.mustNot(err)
		}
	})
	l.world.in(l.between(time.Minute, 3*day), true, l.person)
}

func (l *life) switchUser() {
	uuid := l.world.home[l.random.IntN(len(l.world.home))]
	before := l.box.account.Snapshot().User.UUID
	l.ledger.switches++
	var err error
	l.call(func(ctx context.Context) { err = l.box.account.SwitchUser(ctx, uuid, secret.String{}) })
	l.note("switched from %s to %s: %v", before, uuid, err)
	if err != nil || uuid == before {
		l.ledger.switches--
	}
}

// removeDevice is what somebody does at plex.tv.
func (l *life) removeDevice() {
	l.note("the device is removed")
	l.budget.disturb(l.world.clock.Now())
	if err := l.world.sim.RemoveDevice(l.box.clientID()); err != nil {
		l.mustNot(err)
	}
	l.ledger.removed = true
	l.ledger.notice = l.budget.good + overdueAfter + longestPause
	l.world.in(l.between(2*day, 6*day), true, l.person)
}
