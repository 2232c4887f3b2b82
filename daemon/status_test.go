// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"testing"

	"github.com/retune-tv/plexauthd/auth"
)

func TestStatusNamesTheMemoryThatTheStateIsIn(t *testing.T) {
	for memory, want := range map[string]string{
		"":      "Nobody is signed in to Plex; the state cannot be saved: no room",
		"tmpfs": "Nobody is signed in to Plex; the sign-in is lost at the next boot: the state is in memory (tmpfs); the state cannot be saved: no room",
	} {
		d := &daemon{inMemory: memory}
		if got := d.status(&auth.Snapshot{State: auth.SignedOut, StorageProblem: "no room"}); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
