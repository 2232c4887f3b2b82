// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const userLocked = names.ErrorPrefix + "UserLocked"

// becomesBob lets Bob, who has a PIN, use the box.
func (c *client) becomesBob() (bob, kim string) {
	c.t.Helper()
	bob, kim = c.withHome()
	c.home("SwitchUser", bob, bobsPIN).gives("")
	c.skipTo(names.Main + ".AuthChanged")
	c.hearsAuth(true, "user-switched")
	return bob, kim
}

// The token of a home user ends: the PIN is wanted again, and who signed in still is.
func TestLockedUser(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		bob, kim := c.becomesBob()
		for _, unlock := range [][]any{{bob, bobsPIN}, {kim, ""}, {bob, bobsPIN}, {aliceUUID, ""}} {
			if c.currentUser()["uuid"].Value() != bob {
				c.home("SwitchUser", bob, bobsPIN).gives("")
				c.skipTo(names.Main + ".AuthChanged")
				c.hearsAuth(true, "user-switched")
			}
			c.mustRevoke(c.heldToken())
			c.main("Validate").gives("b", new(bool))
			c.hearsChange(values{"State": "unverified"})
			c.hearsChange(values{"Authenticated": false, "State": "locked"})
			c.hearsAuth(false, "user-locked")
			c.credentials("GetToken").isError(userLocked)
			c.credentials("ListServers").isError(userLocked)
			c.credentials("GetServerHeaders", machineID).isError(userLocked)
			if c.currentUser()["uuid"].Value() != bob {
				c.t.Error("it is not Bob who has to enter his PIN")
			}
			var users []map[string]dbus.Variant
			if c.home("ListUsers").gives("aa{sv}", &users); len(users) != 3 {
				c.t.Errorf("%d users to choose from", len(users))
			}
			c.home("SwitchUser", unlock...).gives("")
			c.skipTo(names.Main + ".AuthChanged")
			c.hearsAuth(true, "user-switched")
			c.usedBy(unlock[0].(string))
			c.heldToken()
		}
	})
}

func TestRemovedUser(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		bob, _ := c.becomesBob()
		if err := c.box.plex.RemoveHomeUser(bob); err != nil {
			c.t.Fatal(err)
		}
		c.main("Validate").gives("b", new(bool))
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "user-switched")
		c.usedBy(aliceUUID)
		c.heldToken()
	})
}

// A home user without a PIN gets another token, and nobody hears of it.
func TestUserWithoutPINGetsAnotherToken(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		_, kim := c.withHome()
		c.home("SwitchUser", kim, "").gives("")
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "user-switched")
		old, valid := c.heldToken(), false
		c.mustRevoke(old)
		if c.main("Validate").gives("b", &valid); !valid || c.heldToken() == old {
			c.t.Errorf("valid %v, the same token %v", valid, c.heldToken() == old)
		}
		c.usedBy(kim)
		c.home("SwitchUser", aliceUUID, "").gives("")
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "user-switched")
	})
}

// plex.tv refuses everybody for a while. Whatever it takes the token for after that
// says that the token is good.
func TestRefusalOfEverybody(t *testing.T) {
	for name, ask := range map[string]func(*client) reply{
		"ListUsers":     func(c *client) reply { return c.home("ListUsers") },
		"ListServers":   func(c *client) reply { return c.credentials("ListServers") },
		"ValidateToken": func(c *client) reply { return c.credentials("ValidateToken", c.box.token) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newBox(t, setup{}).client()
			c.signIn(c.box.token)
			c.credentials("ListServers").gives("aa{sv}", new([]map[string]dbus.Variant))
			c.plex.Fail(plextvsim.Fault{Status: 401})
			c.main("Validate").gives("b", new(bool))
			c.skipTo(names.Main + ".AuthChanged")
			c.hearsAuth(false, "revoked")
			c.plex.Clear()
			c.plexTime.Advance(time.Minute) // the list is old enough to be asked for
			if r := ask(c); r.Err != nil {
				t.Fatal(r.Err)
			}
			c.skipTo(names.Main + ".AuthChanged")
			c.hearsAuth(true, "signed-in")
			c.usedBy(aliceUUID)
		})
	}
}

// Any token may look like one of a device key some day.
func TestTokenThatLooksLikeOneOfADeviceKey(t *testing.T) {
	c := newBox(t, setup{sim: plextvsim.Options{TokensLikeJWTs: true}}).client()
	c.pair()
	token, id := c.heldToken(), c.headers("GetAuthHeaders")["X-Plex-Client-Identifier"]
	c.restart()
	if c.heldToken() != token || c.headers("GetAuthHeaders")["X-Plex-Client-Identifier"] != id {
		t.Error("another token or client identifier after a restart")
	}
	c.usedBy(aliceUUID)
}

// While plex.tv refuses everybody, media servers are known: a film at home goes on.
func TestServersWhileRefused(t *testing.T) {
	bothModes(t, plextvsim.Options{OwnSwitchWithoutPIN: true}, func(c *client) {
		c.pair()
		before := c.headers("GetServerHeaders", machineID)["X-Plex-Token"]
		c.box.plex.Fail(plextvsim.Fault{Status: 401})
		c.main("Validate").gives("b", new(bool))
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(false, "revoked")
		var servers []map[string]dbus.Variant
		if c.credentials("ListServers").gives("aa{sv}", &servers); len(servers) == 0 {
			c.t.Error("no servers")
		}
		if got := c.headers("GetServerHeaders", machineID); got["X-Plex-Token"] != before {
			c.t.Error("another token for the media server")
		}
		c.credentials("GetToken").isError(names.ErrorPrefix + "AuthInvalid")
		c.box.plex.Clear()
		c.credentials("ListServers").gives("aa{sv}", &servers)
		c.main("Validate").gives("b", new(bool))
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "signed-in")
		c.heldToken()
	})
}

func (c *client) mustRevoke(token string) {
	c.t.Helper()
	if err := c.box.plex.Revoke(token); err != nil {
		c.t.Fatal(err)
	}
}
