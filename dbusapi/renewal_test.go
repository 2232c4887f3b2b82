// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// A token that is about to end is renewed for who asks for it, with whatever
// member. The account's own timers do not get to run before.
func TestShortLivedTokenIsRenewedForTheCaller(t *testing.T) {
	for _, member := range []string{"GetToken", "GetAuthHeaders", "GetStoredCredentials"} {
		t.Run(member, func(t *testing.T) {
			c := newBox(t, setup{mode: auth.ModeJWT}).client()
			c.pair()
			old := c.heldToken()
			if again := c.heldToken(); again != old || c.plex.Count(plextvsim.RefreshJWT) != 0 {
				t.Fatal("a token with days to go was renewed")
			}
			before := c.property("TokenExpiresAt").(int64)
			c.plexTime.Advance(plextvsim.JWTLifetime - 2*time.Minute)
			token := ""
			switch answer := c.credentials(member).Body[0].(type) {
			case string:
				token = answer
			case map[string]string:
				token = answer["X-Plex-Token"]
			case map[string]dbus.Variant:
				token = answer["token"].Value().(string)
			}
			if token == old || !strings.HasPrefix(token, "eyJ") {
				t.Errorf("%s gave the old token: %v", member, token == old)
			}
			if now := c.property("TokenExpiresAt").(int64); time.Duration(now-before)*time.Second < 6*24*time.Hour {
				t.Errorf("TokenExpiresAt went from %d to %d", before, now)
			}
			c.plexTime.Advance(10 * time.Minute) // the old one has ended
			var valid bool
			if c.main("Validate").gives("b", &valid); !valid || c.property("State") != "signed-in" {
				t.Errorf("valid %v, State %v", valid, c.property("State"))
			}
		})
	}
}

// Nobody waits long for a token that cannot be renewed, and the old one is better
// than none.
func TestTokenThatCannotBeRenewedIsGivenAsItIs(t *testing.T) {
	c := newBox(t, setup{mode: auth.ModeJWT}).client()
	c.pair()
	old := c.heldToken()
	c.plex.Fail(plextvsim.Fault{Status: 503})
	c.plexTime.Advance(plextvsim.JWTLifetime - 2*time.Minute)
	if token := c.heldToken(); token != old {
		t.Error("GetToken gave another token")
	}
}
