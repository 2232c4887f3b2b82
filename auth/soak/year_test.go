// SPDX-License-Identifier: Apache-2.0

// A year has thousands of TLS handshakes, and is not about them.
//
//go:debug tlsmlkem=0
package soak

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/retune-tv/plexauthd/auth"
)

var (
	years = flag.Int("years", 3, "how many years to live")
	seed  = flag.Uint64("seed", 20260301, "of the first year; the next one has the next seed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// TestYears lives years of a box: with opaque tokens, with device keys, and with a
// change from the one to the other. -seed and -years choose which. A seed gives
// the same world again, but not the same jitter in the box.
func TestYears(t *testing.T) {
	idle := make(map[string][]int)
	signals := 0
	for n := range *years {
		s := *seed + uint64(n)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			l := newLife(t, s, []auth.Mode{auth.ModeLegacy, auth.ModeJWT, auth.ModeLegacy}[s%3])
			defer goleak.VerifyNone(t)
			defer l.end()
			l.year(s%3 == 2)
			for mode, days := range l.budget.idleDays {
				idle[mode] = append(idle[mode], days...)
			}
			signals += l.ledger.signals
		})
	}
	t.Logf("%d years from seed %d: %d signals", *years, *seed, signals)
	for mode, days := range idle {
		slices.Sort(days)
		t.Logf("mode %s: %d idle days, calls a day: median %d, most %d", mode, len(days), days[len(days)/2], days[len(days)-1])
	}
}

// year is a year in which much goes wrong, and some days in which nothing does.
func (l *life) year(moves bool) {
	l.signIn()
	for at := time.Duration(0); at < 365*day; at += l.between(time.Hour, 8*day) {
		l.world.in(at, true, l.mishap)
		if l.random.IntN(3) == 0 {
			l.world.in(at+l.between(time.Second, 2*time.Hour), true, l.mishap)
		}
	}
	for at := l.between(day, 30*day); at < 360*day; at += l.between(5*day, 60*day) {
		l.world.in(at, true, l.person)
	}
	if moves {
		l.world.in(l.between(100*day, 250*day), true, l.move)
	}
	l.live(firstDay.Add(365 * day))
	l.calmDown()
	l.settleUp()
}

// signIn signs in while nothing is wrong.
func (l *life) signIn() {
	var shown auth.Pairing
	l.call(func(ctx context.Context) {
		var err error
		shown, err = l.box.account.RequestPin(ctx, auth.PinOptions{})
		l.mustNot(err)
		l.ledger.pairing = l.newPairing(shown.ID)
	})
	l.claim(l.ledger.pairing, shown.Code)
	l.live(l.world.clock.Now().Add(time.Minute))
	if !l.ledger.signedIn {
		l.must("a claimed pairing does not sign in")
	}
}

// move has the box use a device key from now on.
func (l *life) move() {
	l.note("mode jwt")
	l.box.mode = auth.ModeJWT
	l.call(func(ctx context.Context) { _ = l.box.account.Configure(ctx, l.box.settings()) })
	l.budget.allowance += longestPause
}

// calmDown ends all that goes wrong, and lets the box come to itself.
func (l *life) calmDown() {
	l.note("all is well again")
	l.world.plan = nil
	l.world.door.set(nil)
	l.endTrouble()
	l.world.sim.Clear()
	l.blip = false
	l.ntp()
	l.live(l.world.clock.Now().Add(4 * day))
	if !l.ledger.signedIn {
		l.signIn()
		l.live(l.world.clock.Now().Add(4 * day))
	}
}

// settleUp looks at what is left of the year.
func (l *life) settleUp() {
	s, state := l.box.account.Snapshot(), l.box.disk()
	switch {
	case s.State != auth.SignedIn || s.Mode != l.box.mode:
		l.must(fmt.Sprintf("in the end: %s, mode %s", s.State, s.Mode))
	case state.Auth == nil || !state.Auth.Token.Equal(s.Credentials.Token) || state.Auth.UserID != s.User.ID ||
		!state.Auth.ExpiresAt.Equal(s.TokenExpiresAt) || state.ClientID != l.box.clientID() || state.Pairing != nil:
		l.must("on disk is something else than in memory")
	}
	l.tryToken()
}

// tryToken has plex.tv say what it thinks of the token that frontends get. That of
// a home user ends without notice: then asking about it gets another one.
func (l *life) tryToken() {
	good := false
	l.call(func(ctx context.Context) {
		var err error
		if l.box.disk().Owner != nil {
			_, err = l.box.account.Validate(ctx)
			l.mustNot(err)
		}
		good, err = l.box.account.ValidateToken(ctx, l.box.token())
		l.mustNot(err)
	})
	if !good {
		l.must("plex.tv does not take the token")
	}
}
