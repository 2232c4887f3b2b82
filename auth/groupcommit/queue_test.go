// SPDX-License-Identifier: Apache-2.0

package groupcommit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/groupcommit"
)

// gathering begins to gather from q and returns once that waits.
func gathering(t *testing.T, q *groupcommit.Queue[string], clock *clockwork.FakeClock) (gathered <-chan []string) {
	t.Helper()
	all := make(chan []string, 1)
	go func() { all <- q.Gather() }()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	return all
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("gathered %q, want %q", got, want)
	}
}

// save has a save of so many changes take that long.
func save(q *groupcommit.Queue[string], clock *clockwork.FakeClock, changes int, took time.Duration) {
	clock.Advance(took)
	q.Saved(changes)
}

func TestWhoCallsAloneIsNotKeptWaiting(t *testing.T) {
	clock := clockwork.NewFakeClock() // does not advance in Gather
	q := groupcommit.New[string](clock)
	for range 3 {
		q.Add("a")
		want(t, q.Gather(), "a")
		save(q, clock, 1, time.Second)
	}
}

func TestAllOfTheLastSaveAreWaitedFor(t *testing.T) {
	clock := clockwork.NewFakeClock()
	q := groupcommit.New[string](clock)
	q.Add("a")
	q.Add("b")
	want(t, q.Gather(), "a", "b")
	q.Add("c") // while those are saved
	save(q, clock, 2, time.Second)
	gathered := gathering(t, q, clock)
	q.Add("a")
	q.Add("b")
	want(t, <-gathered, "c", "a", "b")
}

func TestTheyAreNotWaitedForLong(t *testing.T) {
	for took, patience := range map[time.Duration]time.Duration{
		time.Millisecond: time.Millisecond,
		time.Minute:      5 * time.Millisecond, // a disk that was stuck
	} {
		clock := clockwork.NewFakeClock()
		q := groupcommit.New[string](clock)
		q.Gather()
		save(q, clock, 8, took)
		q.Add("a")
		gathered := gathering(t, q, clock)
		clock.Advance(patience - 1)
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		q.Add("b")
		clock.Advance(1)
		want(t, <-gathered, "a", "b")
		save(q, clock, 2, took)
		q.Add("c")
		q.Add("d")
		want(t, q.Gather(), "c", "d")
	}
}

// TestNothingToSaveIsNotWaitedFor is for a caller whose change somebody else has
// just saved.
func TestNothingToSaveIsNotWaitedFor(t *testing.T) {
	clock := clockwork.NewFakeClock() // does not advance in Gather
	q := groupcommit.New[string](clock)
	q.Gather()
	save(q, clock, 2, time.Second)
	want(t, q.Gather())
}

func TestWhoGivesUpIsNotGathered(t *testing.T) {
	q := groupcommit.New[string](clockwork.NewFakeClock())
	q.Add("a")
	q.Add("b")
	if n := q.Len(); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
	if !q.Remove("a") || q.Remove("a") {
		t.Error("a change is not removed exactly once")
	}
	want(t, q.Gather(), "b")
	if q.Remove("b") {
		t.Error("a change that was gathered is removed")
	}
}
