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

// visits has somebody use each box once, at any time within a while from now on.
func (f *fleet) visits(within time.Duration) {
	now := f.clock.Since(firstDay)
	for _, m := range f.boxes {
		m.visit = now + 1 + time.Duration(f.random.Int64N(int64(within)))
		m.at = min(m.at, m.visit)
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

// On an evening on which everybody turns the box on, plex.tv's sign-in service
// answers 401 to everybody for an hour. When it is well again every box is signed in
// by itself, and plex.tv sees no rush, neither while it is ill nor after it.
func TestAFleetLivesThroughRefusals(t *testing.T) {
	const size = 10_000
	f := newFleet(t, size, day)
	f.legacy = true
	f.live(3 * day)
	began := 3 * day
	f.sim.Fail(plextvsim.Fault{Status: http.StatusUnauthorized})
	f.visits(time.Hour)
	f.live(began + time.Hour)
	expired := f.in(auth.Expired)
	t.Logf("after an hour of refusals: %d boxes expired, %d unverified, %d signed in", expired, f.in(auth.Unverified), f.in(auth.SignedIn))
	if expired < size*9/10 {
		t.Errorf("%d boxes have met the outage", expired)
	}
	f.sim.Clear()
	ended := began + time.Hour
	f.live(ended + 80*time.Minute) // an hour's pause may take so long
	if back := f.in(auth.SignedIn); back != size {
		t.Errorf("%d of %d boxes are signed in again", back, size)
	}
	f.isSpread("before it", began-day, began, time.Hour)
	f.isSpread("in the outage", began, ended, time.Minute)
	peak, _ := f.rate("user", ended, ended+80*time.Minute, time.Minute)
	_, average := f.rate("user", began, ended+80*time.Minute, time.Minute)
	t.Logf("after it: at most %d questions a minute, %.1f on average with the outage: %.2f times", peak, average, float64(peak)/average)
	if float64(peak) > 2*average {
		t.Errorf("the fullest minute after the outage has %d questions, the average one with the outage %.1f", peak, average)
	}
}

// isSpread wants no window of a time to have more than twice the average.
func (f *fleet) isSpread(when string, from, to, window time.Duration) {
	f.Helper()
	peak, average := f.rate("user", from, to, window)
	f.Logf("%s: at most %d questions in %v, %.1f on average: %.2f times", when, peak, window, average, float64(peak)/average)
	if float64(peak) > 2*average {
		f.Errorf("%s the fullest %v has %d questions, the average one %.1f", when, window, peak, average)
	}
}
