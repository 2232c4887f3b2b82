// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// enders give up a code before its time.
var enders = map[string]func(*client, pairing){
	"CancelPin": func(c *client, p pairing) { c.main("CancelPin", p.ID).gives("") },
	"force": func(c *client, _ pairing) {
		c.main("RequestPinWithOptions", options{"force": dbus.MakeVariant(true)}).pairing()
	},
}

// givenUp runs a test for each way to give up a code, in both modes. The daemon does
// not ask about the code by itself.
func givenUp(t *testing.T, test func(c *client, p pairing, end func(*client, pairing))) {
	for name, end := range enders {
		for _, mode := range []auth.Mode{auth.ModeLegacy, auth.ModeJWT} {
			t.Run(fmt.Sprint(name, " ", mode), func(t *testing.T) {
				c := newBox(t, setup{mode: mode, pollInterval: time.Hour, sim: plextvsim.Options{TokenOnce: true}}).client()
				test(c, c.main("RequestPin").pairing(), end)
			})
		}
	}
}

// claim enters a code at plex.tv as Alice.
func (c *client) claim(p pairing) {
	c.t.Helper()
	if err := c.plex.Claim(p.Code, c.box.token); err != nil {
		c.t.Fatal(err)
	}
}

// asksOften has the daemon start again, as one that asks about codes by itself.
func (c *client) asksOften() {
	c.t.Helper()
	c.setup.pollInterval = 20 * time.Millisecond
	c.restart()
}

func TestClaimBeforeTheCodeIsGivenUp(t *testing.T) {
	givenUp(t, func(c *client, p pairing, end func(*client, pairing)) {
		c.claim(p)
		end(c, p)
		c.skipTo(names.Main + ".AuthChanged")
		c.hearsAuth(true, "signed-in")
		c.hears(names.Main+".PinEnded", p.ID, "claimed")
		c.usedBy(aliceUUID)
		if n := c.plex.Count(plextvsim.SignOut); n != 0 {
			c.t.Errorf("%d tokens were revoked", n)
		}
	})
}

func TestClaimAfterTheCodeIsGivenUp(t *testing.T) {
	givenUp(t, func(c *client, p pairing, end func(*client, pairing)) {
		end(c, p)
		c.skipTo(names.Main + ".PinEnded")
		c.hears(names.Main+".PinEnded", p.ID, "cancelled")
		c.claim(p)
		c.asksOften()
		c.awaitAsked(1, plextvsim.SignOut) // the token must not be used, nor be left
		if c.property("Authenticated") != false {
			c.t.Error("a code that was given up signs in")
		}
	})
}

// The last question has no answer while somebody waits for the end.
func TestClaimIsAnsweredAfterTheCodeIsGivenUp(t *testing.T) {
	c := newBox(t, setup{pollInterval: time.Hour}).client()
	p := c.main("RequestPin").pairing()
	c.claim(p)
	c.delayPlex(plextvsim.CheckPin)
	c.main("CancelPin", p.ID).gives("")
	c.skipTo(names.Main + ".PinEnded")
	c.hears(names.Main+".PinEnded", p.ID, "cancelled")
	c.awaitDelayed(1)
	c.plexTime.Advance(time.Second)
	c.skipTo(names.Main + ".AuthChanged")
	c.hearsAuth(true, "signed-in")
	claimed, expires := false, int64(0)
	if c.main("CheckPinStatus", p.ID).gives("bx", &claimed, &expires); !claimed {
		t.Error("CheckPinStatus says that the code was not claimed")
	}
}

// plex.tv's PIN lives longer than the box shows its code.
func TestClaimAfterTheBoxsOwnLimit(t *testing.T) {
	for _, mode := range []auth.Mode{auth.ModeLegacy, auth.ModeJWT} {
		t.Run(string(mode), func(t *testing.T) {
			c := newBox(t, setup{mode: mode, pairingTimeout: 100 * time.Millisecond}).client()
			p := c.main("RequestPin").pairing()
			c.skipTo(names.Main + ".PinEnded")
			c.hears(names.Main+".PinEnded", p.ID, "expired")
			c.claim(p)
			c.restart() // which asks sooner than after a minute
			c.skipTo(names.Main + ".AuthChanged")
			c.hearsAuth(true, "signed-in")
			c.usedBy(aliceUUID)
		})
	}
}

// A claimed token waits for the keys that it is checked with.
func TestClaimWithoutPlexTvsKeys(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"503": {Status: 503}, "captive portal": plextvsim.CaptivePortal(),
	} {
		t.Run(name, func(t *testing.T) {
			c := newBox(t, setup{mode: auth.ModeJWT, pollInterval: time.Hour, sim: plextvsim.Options{TokenOnce: true}}).client()
			p := c.main("RequestPin").pairing()
			c.claim(p)
			fault.Endpoint = plextvsim.GetKeys
			c.plex.Fail(fault)
			c.asksOften()
			c.awaitAsked(1, plextvsim.CheckPin)
			c.awaitAsked(4, plextvsim.GetKeys) // for plex.tv's time, and then to check the token
			c.plex.Clear()
			c.skipTo(names.Main + ".AuthChanged")
			c.hearsAuth(true, "signed-in")
			c.usedBy(aliceUUID)
		})
	}
}
