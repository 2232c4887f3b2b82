// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// What plex.tv forbids is no reason to sign in again.
func TestForbidden(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		held := c.heldToken()
		for _, code := range []int{1009, 1041, 1043} {
			c.plex.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Code: code})
			c.plex.Fail(plextvsim.Fault{Endpoint: plextvsim.Resources, Code: code})
			c.plex.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Code: code})
			const forbidden = names.ErrorPrefix + "Forbidden"
			c.home("ListUsers").isError(forbidden)
			c.home("SwitchUser", aliceUUID, "").isError(forbidden)
			c.credentials("ListServers").isError(forbidden)
			c.credentials("GetServerHeaders", machineID).isError(forbidden)
			c.credentials("StoreCredentials", options{"token": dbus.MakeVariant("other")}).isError(forbidden)
			valid := true
			if c.main("Validate").gives("b", &valid); valid {
				c.t.Error("Validate says true")
			}
			valid = true
			if c.credentials("ValidateToken", held).gives("b", &valid); valid {
				c.t.Error("ValidateToken says true")
			}
			c.plex.Clear()
		}
		if state := c.property("State"); state != "signed-in" || c.heldToken() != held {
			c.t.Errorf("State is %v, or the token has changed", state)
		}
	})
}

// A managed user has claimed the code. plex.tv knows the token, and lets it do little.
func TestManagedUserSignsIn(t *testing.T) {
	b := newBox(t, setup{sim: plextvsim.Options{ManagedMayNot: []plextvsim.Endpoint{plextvsim.HomeUsers, plextvsim.SwitchUser}}})
	c := b.client()
	_, kim := c.withHome()
	c.pair()
	c.home("SwitchUser", kim, "").gives("")
	p := c.main("RequestPin").pairing()
	if err := c.plex.Claim(p.Code, c.heldToken()); err != nil {
		t.Fatal(err)
	}
	c.skipTo(names.Main + ".PinEnded")
	c.hears(names.Main+".PinEnded", p.ID, "claimed")
	c.usedBy(kim)
	c.home("ListUsers").isError(names.ErrorPrefix + "Forbidden")
	c.home("SwitchUser", aliceUUID, "").isError(names.ErrorPrefix + "Forbidden")
	valid := false
	if c.main("Validate").gives("b", &valid); !valid || c.property("State") != "signed-in" {
		t.Errorf("Validate says %v, State is %v", valid, c.property("State"))
	}
}

// No PIN helps where plex.tv gives no token.
func TestServerWithoutToken(t *testing.T) {
	const none = names.ErrorPrefix + "NoServerToken"
	for _, fault := range []plextvsim.Fault{{Status: 404}, {Code: 1009}} {
		c := newBox(t, setup{mode: auth.ModeJWT}).client()
		c.pair()
		fault.Endpoint = plextvsim.SwitchUser
		c.plex.Fail(fault)
		own, friends := c.mediaServer(machineID), c.mediaServer(friendsID)
		c.credentials("GetServerHeaders", machineID).isError(none)
		if got := c.libraries(friends, c.headers("GetServerHeaders", friendsID)); got != 200 {
			t.Errorf("the friend's server answers %d", got)
		}
		c.plex.Clear() // what was missing is asked for again
		c.plexTime.Advance(time.Minute)
		if got := c.libraries(own, c.headers("GetServerHeaders", machineID)); got != 200 {
			t.Errorf("her own server answers %d", got)
		}
	}
	for _, token := range []string{"null", `""`} {
		c := newBox(t, setup{}).client()
		c.signIn(c.box.token)
		c.plex.Fail(plextvsim.Fault{Endpoint: plextvsim.Resources, Body: `[{"clientIdentifier":"m","provides":"server","accessToken":` + token + `}]`})
		c.credentials("GetServerHeaders", "m").isError(none)
	}
}
