// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"slices"
	"testing"
	"time"
)

// TestKodiEnds quits Kodi while the screen is open.
func TestKodiEnds(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	k.Call("Application.Quit", map[string]any{}, nil)
	if took := k.AwaitEnd(); took > 5*time.Second {
		t.Errorf("Kodi took %v to end: a script held it up", took)
	}
	if pin := b.status().Pin; pin.ID != 0 {
		t.Errorf("the pairing that nobody can see goes on: %+v", pin)
	}
}

// TestTwentyPairings looks for what a run leaves behind, and how long people wait
// between their claim and the end of the screen. The daemon asks plex.tv ten times a
// second here; on a box it is once, which adds half a second on average.
func TestTwentyPairings(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	var before int
	var took []time.Duration
	for round := range 30 {
		pin := openWithCode(b, k)
		b.claim(pin.Code)
		took = append(took, k.AwaitClosed())
		b.signOut()
		k.AwaitHome("PlexAuth.State", "signed-out")
		if round == 9 {
			before = k.Memory() // what is loaded once, and what a pool of memory keeps, is no growth
		}
	}
	growth := k.Memory() - before
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("20 pairings: %d KiB more, the screen closed %v after the claim (%v to %v)", growth, median, took[0], took[len(took)-1])
	if growth > 10<<10 {
		t.Errorf("20 pairings took %d KiB", growth)
	}
	// Half of them, because a busy machine holds single ones up.
	if median > time.Second {
		t.Errorf("the screen closed %v after the claim", median)
	}
}
