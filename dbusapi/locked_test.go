// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"testing"

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
