// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Each of these tests hears all signals of the daemon in order, so a signal too
// many fails it at the next step.

func TestSignalsOfSigningIn(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	p := c.requestPin()
	if err := b.plex.Claim(p.Code, ""); err != nil {
		t.Fatal(err)
	}
	if c.peek(); !b.onDisk("[retune_plex_auth.token]") {
		t.Error("the first signal came before the token was on disk")
	}
	c.hearsChange(values{"Authenticated": true, "State": "signed-in", "Pin": noPin()})
	c.hearsAuth(true, "signed-in")
	c.hears(names.Main+".PinEnded", p.ID, "claimed")

	// Somebody who is signed in can pair again: State stays.
	again := c.main("RequestPin").pairing()
	c.hearsChange(values{"Pin": again.struc()})
	c.main("CancelPin", again.ID).gives("")
	c.hearsChange(values{"Pin": noPin()})
	c.hears(names.Main+".PinEnded", again.ID, "cancelled")
	c.credentials("SignOut").gives("b", new(bool))
	c.hearsChange(values{"Authenticated": false, "State": "signed-out"})
	c.hearsAuth(false, "signed-out")
}

func TestSignalsOfRefusedToken(t *testing.T) {
	yesterday := time.Now().Add(-24 * time.Hour).Unix()
	for reason, expiresAt := range map[string]int64{"revoked": 0, "expired": yesterday} {
		t.Run(reason, func(t *testing.T) {
			b := newBox(t, setup{})
			c := b.client()
			c.credentials("StoreCredentials", map[string]dbus.Variant{
				"token": dbus.MakeVariant(b.token), "expires_at": dbus.MakeVariant(expiresAt),
			}).gives("")
			changed := values{"Authenticated": true, "State": "signed-in"}
			if expiresAt != 0 {
				changed["TokenExpiresAt"] = expiresAt
			}
			c.hearsChange(changed)
			c.hearsAuth(true, "signed-in")
			if err := b.plex.Revoke(b.token); err != nil {
				t.Fatal(err)
			}
			c.main("Validate").gives("b", new(bool))
			c.hearsChange(values{"State": "unverified"})
			c.hearsChange(values{"Authenticated": false, "State": "expired"})
			c.hearsAuth(false, reason)
			c.credentials("GetToken").isError(names.ErrorPrefix + "AuthInvalid")

			// plex.tv takes it again: its sign-in service had an outage.
			if err := b.plex.Refuse(b.token, 0); err != nil {
				t.Fatal(err)
			}
			c.main("Validate").gives("b", new(bool))
			c.hearsChange(values{"Authenticated": true, "State": "signed-in"})
			c.hearsAuth(true, "signed-in")
		})
	}
}

func TestSignalOfExpiredPin(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	p := c.requestPin()
	if err := b.plex.ExpirePin(p.Code); err != nil {
		t.Fatal(err)
	}
	c.hearsChange(values{"State": "signed-out", "Pin": noPin()})
	c.hears(names.Main+".PinEnded", p.ID, "expired")
	c.main("CheckPinStatus", p.ID).isError(names.ErrorPrefix + "PinExpired")
}

func TestSignalOfFailedPin(t *testing.T) {
	b := newBox(t, setup{pairingTimeout: time.Second})
	c := b.client()
	p := c.requestPin()
	b.breakStorage() // the claim cannot be kept, until the time is over
	if err := b.plex.Claim(p.Code, ""); err != nil {
		t.Fatal(err)
	}
	c.hearsChange(values{"State": "signed-out", "Pin": noPin()})
	c.hears(names.Main+".PinEnded", p.ID, "failed")
}

func TestNoSignalWithoutChange(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.credentials("ClearCredentials").gives("")
	c.credentials("SignOut").gives("b", new(bool))
	c.signIn(b.token)
	c.main("Validate").gives("b", new(bool))
	c.credentials("StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant("unknown-to-plex")}).
		isError(names.ErrorPrefix + "AuthInvalid")
	// The token that is held already.
	c.credentials("StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(b.token)}).gives("")
	c.credentials("ClearCredentials").gives("")
	c.hearsChange(values{"Authenticated": false, "State": "signed-out"})
	c.hearsAuth(false, "signed-out")
}
