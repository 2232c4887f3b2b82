// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// unverified stores credentials that plex.tv cannot confirm and gives what the
// account then says is the trouble.
func (b *box) unverified(clock *clockwork.FakeClock) string {
	b.Helper()
	go func() {
		for { // the tries of the client
			if clock.BlockUntilContext(b.Context(), 1) != nil {
				return
			}
			clock.Advance(time.Second)
		}
	}()
	b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New("tok-0123456789"), UserID: "7", Username: "bob"}))
	return b.await(func(e auth.Event) bool { return e.Snapshot.PlexProblem != "" }).Snapshot.PlexProblem
}

func TestTheTroubleIsNamed(t *testing.T) {
	t.Run("clock", func(t *testing.T) {
		clock := clockwork.NewFakeClockAt(time.Unix(0, 0)) // no certificate is good in 1970
		b := newBox(t, func(s *setup) { s.plex.Clock = clock })
		equal(t, "trouble", b.unverified(clock), "the clock of this box may be wrong")
		equal(t, "state", b.account.Snapshot().State, auth.Unverified)
	})
	for want, fault := range map[string]plextvsim.Fault{
		"plex.tv cannot be reached": {Reset: true},
		"plex.tv has a fault":       {Status: 502},
		"plex.tv is busy":           {Status: 429, RetryAfter: "60"},
		"something else answers in plex.tv's place, perhaps a captive portal": plextvsim.CaptivePortal(),
	} {
		t.Run(want, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(time.Now())
			b := newBox(t, func(s *setup) { s.plex.Clock = clock })
			b.sim.Fail(fault)
			equal(t, "trouble", b.unverified(clock), want)
		})
	}
}

func TestTheTroubleEndsWithAnAnswer(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Status: 404})
	b.restart(0)
	for b.account.Snapshot().PlexProblem == "" {
		b.next()
	}
	b.sim.Clear()
	b.tick(time.Minute)
	e := b.await(in(auth.SignedIn))
	equal(t, "trouble", e.Snapshot.PlexProblem, "")
}

func untroubled(e auth.Event) bool { return e.Snapshot.PlexProblem == "" }

// A box whose clock was set wrong while it was signed in, or is wrong while it
// pairs, says so.
func TestTheClockIsTheTroubleInEachState(t *testing.T) {
	const trouble = "the clock of this box may be wrong"
	hangUp := func(b *box) { b.options.Plex.CloseIdleConnections() }
	t.Run("signed in", func(t *testing.T) {
		b, clock := newWrongBox(t, func(s *setup) { s.auth.CheckEvery = 0 })
		b.claimed(auth.PinOptions{})
		clock.set(-30 * years)
		for range 100 {
			if b.account.Snapshot().PlexProblem == "" {
				hangUp(b)
				b.tick(time.Hour)
			}
		}
		equal(t, "trouble", b.account.Snapshot().PlexProblem, trouble)
		equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
		b.unread()
		clock.set(0)
		b.passUntil(untroubled, time.Hour)
	})
	t.Run("pairing", func(t *testing.T) {
		b, clock := newWrongBox(t)
		p := b.pair(auth.PinOptions{})
		clock.set(-30 * years)
		for range 100 {
			if b.account.Snapshot().PlexProblem == "" {
				hangUp(b)
				b.tick(interval)
			}
		}
		equal(t, "trouble", b.account.Snapshot().PlexProblem, trouble)
		equal(t, "state", b.account.Snapshot().State, auth.PairingNow)
		clock.set(0)
		b.unread()
		b.passUntil(untroubled, interval)
		b.must(b.account.CancelPin(b.soon(), p.ID))
	})
}
