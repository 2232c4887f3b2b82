// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// TestMemoryIsFreedAfterEachQuestion: not after a sign-in alone, since the daily
// question takes as much.
func TestMemoryIsFreedAfterEachQuestion(t *testing.T) {
	clock, freed := clockwork.NewFakeClock(), make(chan struct{}, 10)
	asked, stop := releaseWhenUnasked(clock, func() { freed <- struct{}{} })
	defer stop()
	for range 3 {
		for range 5 { // a pairing asks every second
			clock.Advance(time.Second)
			asked()
		}
		clock.Advance(releaseAfter - time.Second)
		if len(freed) > 0 {
			t.Fatal("freed while plex.tv is being asked")
		}
		clock.Advance(time.Second)
		select {
		case <-freed:
		case <-time.After(10 * time.Second):
			t.Fatal("not freed")
		}
	}
	clock.Advance(24 * time.Hour)
	if len(freed) > 0 {
		t.Error("freed though nothing has been asked")
	}
}
