// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"container/heap"
	"net/http"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// visits has somebody use each box at any time within a while from now on, and again
// after each such while, or just once.
func (f *fleet) visits(within time.Duration, again bool) {
	now := f.clock.Since(firstDay)
	for _, m := range f.boxes {
		m.visit = now + 1 + time.Duration(f.random.Int64N(int64(within)))
		m.at = min(m.at, m.visit)
		if again {
			m.again = within
		}
	}
	heap.Init(&f.agenda)
}

// in counts the boxes in a state.
func (f *fleet) in(state auth.State) (n int) {
	for _, m := range f.boxes {
		if m.account.Snapshot().State == state {
			n++
		}
	}
	return n
}

// plex.tv's sign-in service answers 401 to everybody for an hour, in which somebody
// uses each box. When it is well again every box is signed in by itself, within
// another hour, and plex.tv sees no rush, neither while it is ill nor after it.
func TestAFleetLivesThroughRefusals(t *testing.T) {
	t.Parallel()
	// On an evening all boxes are in use, and what they ask goes on after the outage.
	t.Run("used every hour", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, 10_000, day)
		began, back := f.livesThroughRefusals(true)
		f.isSpread("from its begin until all are back", began, back, time.Minute)
	})
	// Afterwards plex.tv hears of each box once: that makes the mean smaller. A
	// minute's questions vary by a tenth by chance, so five are counted together.
	t.Run("used once", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, 10_000, day)
		began, back := f.livesThroughRefusals(false)
		f.counts("from its begin until all are back", began, back, time.Minute)
		f.isSpread("from its begin until all are back", began, back, 5*time.Minute)
	})
}

// livesThroughRefusals returns when the outage has begun, and when all boxes were back.
func (f *fleet) livesThroughRefusals(usedAgain bool) (began, back time.Duration) {
	f.Helper()
	f.legacy = true
	f.live(2 * day)
	f.visits(time.Hour, usedAgain)
	if usedAgain {
		f.live(2*day + time.Hour)
	}
	began = f.clock.Since(firstDay)
	f.sim.Fail(plextvsim.Fault{Status: http.StatusUnauthorized})
	f.live(began + time.Hour)
	expired := f.in(auth.Expired)
	f.Logf("after an hour of refusals: %d boxes expired, %d unverified, %d signed in", expired, f.in(auth.Unverified), f.in(auth.SignedIn))
	if expired < len(f.boxes)*9/10 {
		f.Errorf("%d boxes have met the outage", expired)
	}
	f.sim.Clear()
	ended := began + time.Hour
	for back = ended; f.in(auth.SignedIn) < len(f.boxes); f.live(back) {
		if back += time.Minute; back > ended+time.Hour {
			f.Fatalf("an hour after it %d of %d boxes are signed in again", f.in(auth.SignedIn), len(f.boxes))
		}
	}
	f.Logf("all boxes are signed in again %v after it", back-ended)
	f.isSpread("in the outage", began, ended, time.Minute)
	f.counts("after it", ended, back, time.Minute)
	return began, back
}

// counts says how many questions came in the fullest window of a time, and how many
// in an average one of that same time.
func (f *fleet) counts(when string, from, to, window time.Duration) (peak int, average float64) {
	f.Helper()
	peak, average = f.rate("user", from, to, window)
	f.Logf("%s, %v: at most %d questions in %v, %.1f on average: %.2f times", when, to-from, peak, window, average, float64(peak)/average)
	return peak, average
}

// isSpread wants no window of a time to have more than twice the average.
func (f *fleet) isSpread(when string, from, to, window time.Duration) {
	f.Helper()
	if peak, average := f.counts(when, from, to, window); float64(peak) > 2*average {
		f.Errorf("%s the fullest %v has %d questions, the average one %.1f", when, window, peak, average)
	}
}
