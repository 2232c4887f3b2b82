// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// wallClock is the clock of a box: it can be set, and timers do not care.
type wallClock struct {
	*clockwork.FakeClock
	off atomic.Int64
}

func (c *wallClock) Now() time.Time {
	return c.FakeClock.Now().Add(time.Duration(c.off.Load()))
}
func (c *wallClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
func (c *wallClock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }
func (c *wallClock) set(off time.Duration)           { c.off.Store(int64(off)) }

const years = 365 * 24 * time.Hour

// newWrongBox is a box whose clock is off.
func newWrongBox(t *testing.T, changes ...func(*setup)) (*box, *wallClock) {
	t.Helper()
	var clock *wallClock
	b := newBox(t, append(changes, func(s *setup) {
		clock = &wallClock{FakeClock: s.sim.Clock.(*clockwork.FakeClock)}
		s.auth.Clock, s.plex.Clock = clock, clock
	})...)
	return b, clock
}

func jumps(t *testing.T, test func(t *testing.T, off time.Duration)) {
	for _, off := range []time.Duration{-30 * years, -time.Hour, time.Hour, 30 * years} {
		t.Run(fmt.Sprint(off), func(t *testing.T) { test(t, off) })
	}
}

func TestTheClockJumpsDuringAPairing(t *testing.T) {
	jumps(t, func(t *testing.T, off time.Duration) {
		b, clock := newWrongBox(t)
		p := b.pair(auth.PinOptions{})
		b.poll()
		clock.set(off)
		b.poll()
		b.poll()
		shown := b.account.Snapshot().Pairing
		equal(t, "pairing", shown.ID, p.ID)
		if left := shown.ExpiresAt.Sub(clock.Now()); left < timeout-10*time.Second || left > timeout {
			t.Errorf("people are told that %s are left", left)
		}
		equal(t, "time on the disk", b.disk().Pairing.ExpiresAt, shown.ExpiresAt.Truncate(time.Second))
		b.must(b.sim.Claim(p.Code, ""))
		b.passUntil(authChanged, interval)
		equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	})
}

func TestAnUnsteadyClockIsNotWrittenWithEachQuestion(t *testing.T) {
	b, clock := newWrongBox(t)
	b.pair(auth.PinOptions{})
	b.unread()
	corrected := 0
	for i := range 100 {
		clock.set(time.Duration(i%2) * time.Hour)
		before := b.account.Snapshot().Pairing.ExpiresAt
		b.poll()
		if !b.account.Snapshot().Pairing.ExpiresAt.Equal(before) {
			corrected++
		}
	}
	if corrected < 1 || corrected > 3 {
		t.Errorf("written %d times with 100 questions in as many seconds", corrected)
	}
}

func TestAPairingEndsInTimeWhateverTheClockSays(t *testing.T) {
	jumps(t, func(t *testing.T, off time.Duration) {
		b, clock := newWrongBox(t)
		b.pair(auth.PinOptions{})
		b.poll()
		clock.set(off)
		e := b.passUntil(ended, 10*time.Second)
		equal(t, "result", e.PinEnd.Result, auth.PinTimedOut)
		if took := b.clock.Since(b.start); took < timeout || took > timeout+time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// A token is renewed when plex.tv's time says so, once, and lives on.
func TestTheClockJumpsBeforeARenewal(t *testing.T) {
	jumps(t, func(t *testing.T, off time.Duration) {
		b, clock := newWrongBox(t, withDeviceKey)
		b.claimed(auth.PinOptions{})
		issued := b.clock.Now()
		b.tick(time.Hour)
		clock.set(off)
		b.account.Wake()
		b.toRenewal()
		if share := float64(b.clock.Since(issued)) / float64(week); share < 0.49 || share > 0.72 {
			t.Errorf("renewed after %.0f %% of its life", 100*share)
		}
		for range 48 {
			b.tick(time.Hour)
			b.idle()
		}
		equal(t, "renewals", b.sim.Count(plextvsim.RefreshJWT), 1)
		equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
		equal(t, "token handed out", b.account.Fresh(b.soon()).Credentials.Token.Reveal() == b.token(), true)
		equal(t, "renewals on demand", b.sim.Count(plextvsim.RefreshJWT), 1)
	})
}

func TestTheClockJumpsWhileTheBoxIsOff(t *testing.T) {
	jumps(t, func(t *testing.T, off time.Duration) {
		b, clock := newWrongBox(t, withDeviceKey)
		b.claimed(auth.PinOptions{})
		b.close()
		clock.set(off)
		b.open()
		b.reachesQuietly(auth.SignedIn, time.Second)
		equal(t, "renewals", b.sim.Count(plextvsim.RefreshJWT), 0)
		b.toRenewal()
		b.isBound()
	})
}

// In 1970 no certificate is valid yet. That is no refusal and no missing network.
func TestABoxThatStartsIn1970(t *testing.T) {
	b, clock := newWrongBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.close()
	b.options.Plex.CloseIdleConnections()
	clock.set(time.Unix(30, 0).Sub(b.clock.Now()))
	b.open()
	b.passUntil(func(e auth.Event) bool { return strings.Contains(e.Snapshot.PlexProblem, "clock") }, time.Second)
	equal(t, "state", b.account.Snapshot().State, auth.Unverified)
	for range 10 {
		b.tick(time.Minute)
		b.idle()
	}
	equal(t, "renewals", b.sim.Count(plextvsim.RefreshJWT), 0)
	clock.set(0)
	b.reachesQuietly(auth.SignedIn, time.Minute)
	equal(t, "trouble", b.account.Snapshot().PlexProblem, "")
}

// While a box sleeps its timers stand still.
func TestABoxThatSlept(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.slept.Add(int64(6 * 24 * time.Hour))
	b.account.Wake()
	b.must(b.sim.AwaitAnswers(b.soon(), 1, plextvsim.RefreshJWT))
	b.await(b.quietly(func(e auth.Event) bool { return e.Snapshot.State == auth.SignedIn }))
	b.isBound()
}

// The network comes back after a question that has not arrived.
func TestTheNetworkIsBack(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	b.close()
	b.sim.Fail(plextvsim.CaptivePortal()) // asked about once, without retries
	b.open()
	for range 200 { // until the pauses are as long as they get
		b.tick(10 * time.Second)
	}
	b.idle()
	equal(t, "state", b.account.Snapshot().State, auth.Unverified)
	b.sim.Clear()
	b.slept.Add(int64(wakeAfter)) // since the last try
	b.account.Wake()
	b.reaches(auth.SignedIn)
}

// A network that comes and goes each second is no reason to ask as often.
func TestTheNetworkIsBackAgainAndAgain(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	b.close()
	b.sim.Fail(plextvsim.CaptivePortal())
	b.open()
	for range 200 { // until the pauses are as long as they get
		b.tick(10 * time.Second)
	}
	b.idle()
	before := b.sim.Count(plextvsim.Any)
	for start := b.clock.Now(); b.clock.Since(start) < 2*time.Minute; {
		b.account.Wake()
		<-time.After(2 * time.Millisecond) // more than plex.tv needs to answer
		b.tick(time.Second)
	}
	if asked := b.sim.Count(plextvsim.Any) - before; asked == 0 || asked > 20 {
		t.Errorf("asked %d times in two minutes", asked)
	}
}

const wakeAfter = 10 * time.Second
