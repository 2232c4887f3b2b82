// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// What belongs to another address of plex.tv, and pairings that were given up, are
// kept and removed like the rest.
func TestGivenUpPairingsAndOtherAddressesAreKept(t *testing.T) {
	b := newBox(t, "")
	state := fullState()
	state.PlexURL = "https://plex.example"
	state.Away = statefile.Away{PlexURL: "https://plex.tv", ClientID: "other", DeviceKey: state.DeviceKey, Auth: state.Auth, Owner: state.Owner}
	state.GivenUp[0], state.GivenUp[3] = state.Pairing, &statefile.Pairing{
		ID: 8, PlexID: secret.New("7654321"), Code: "CD34", PlexURL: "https://plex.tv", Unwanted: true,
		PlexExpiresAt: utc("2026-01-15T12:15:00Z"),
	}
	b.save(state)
	b.wantState(state)
	b.save(signedOut())
	if text := b.text(); strings.Contains(text, "away") || strings.Contains(text, "given_up") || strings.Contains(text, "plex.example") {
		t.Errorf("left in the file:\n%s", text)
	}
}
