// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// bothModes runs a test on a box that Alice has signed in to by a PIN, once with
// an opaque token and once with a device key.
func bothModes(t *testing.T, o plextvsim.Options, test func(c *client)) {
	for _, mode := range []auth.Mode{auth.ModeLegacy, auth.ModeJWT} {
		t.Run(string(mode), func(t *testing.T) {
			c := newBox(t, setup{mode: mode, sim: o}).client()
			c.pair()
			test(c)
		})
	}
}

// pair signs Alice in by a PIN and takes the signals.
func (c *client) pair() {
	c.t.Helper()
	p := c.main("RequestPin").pairing()
	if err := c.plex.Claim(p.Code, c.box.token); err != nil {
		c.t.Fatal(err)
	}
	c.skipTo(names.Main + ".PinEnded")
	c.hears(names.Main+".PinEnded", p.ID, "claimed")
}

func (c *client) heldToken() (token string) {
	c.t.Helper()
	c.credentials("GetToken").gives("s", &token)
	return token
}

func (c *client) headers(member string, args ...any) (headers map[string]string) {
	c.t.Helper()
	c.credentials(member, args...).gives("a{ss}", &headers)
	return headers
}

// mediaServer starts a media server.
func (b *box) mediaServer(machineID string) *plextvsim.Server {
	server := b.plex.MediaServer(machineID).Start()
	b.t.Cleanup(server.Close)
	return server
}

// libraries asks a media server for its libraries, as a frontend does, and gives
// the status of the answer.
func (b *box) libraries(server *plextvsim.Server, headers map[string]string) int {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, server.URL+"/library/sections", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func TestListServers(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		var list []map[string]dbus.Variant
		c.credentials("ListServers").gives("aa{sv}", &list)
		if len(list) != 2 { // the third of Alice's resources is a player
			c.t.Fatalf("ListServers gave %v", list)
		}
		for _, server := range list {
			want := map[string]string{"machine_id": "s", "name": "s", "owned": "b", "presence": "b", "uris": "as"}
			if got := types(server); !reflect.DeepEqual(got, want) {
				c.t.Errorf("ListServers has %v, want %v", got, want)
			}
		}
		own, friends := list[0], list[1]
		if own["machine_id"].Value() != machineID || own["name"].Value() != "Living Room" || own["owned"].Value() != true ||
			own["presence"].Value() != true || friends["machine_id"].Value() != friendsID || friends["owned"].Value() != false {
			c.t.Errorf("ListServers gave %v", list)
		}
		uris := own["uris"].Value().([]string)
		if len(uris) != 4 || !strings.Contains(uris[0], "192-168-1-10") || !strings.Contains(uris[3], "198-51-100-20") {
			c.t.Errorf("the way in the house is not the first, or the relay not the last: %v", uris)
		}
		c.plex.Fail(plextvsim.Fault{Status: 503})
		c.restart()
		var again []map[string]dbus.Variant
		if c.credentials("ListServers").gives("aa{sv}", &again); !reflect.DeepEqual(list, again) {
			c.t.Errorf("without plex.tv, after a restart: %v, want %v", again, list)
		}
		if got := c.headers("GetServerHeaders", machineID); got["X-Plex-Token"] == "" {
			c.t.Error("without plex.tv, after a restart: no token for a known server")
		}
	})
}

// Alice has to be let in at her own server and at her friend's.
func TestServerHeaders(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		own, friends := c.mediaServer(machineID), c.mediaServer(friendsID)
		account := c.headers("GetAuthHeaders")
		atOwn, atFriends := c.headers("GetServerHeaders", machineID), c.headers("GetServerHeaders", friendsID)
		if c.libraries(own, atOwn) != 200 || c.libraries(friends, atFriends) != 200 {
			c.t.Errorf("the media servers answer %d and %d", c.libraries(own, atOwn), c.libraries(friends, atFriends))
		}
		jwt := c.setup.mode == auth.ModeJWT
		if got := c.libraries(own, account); (got == 401) != jwt {
			c.t.Errorf("her own server answers the account's token with %d", got)
		}
		if c.libraries(friends, account) != 401 || c.libraries(friends, atOwn) != 401 {
			c.t.Error("a media server takes the token of another")
		}
		if isJWT := strings.HasPrefix(account["X-Plex-Token"], "eyJ"); isJWT != jwt || strings.HasPrefix(atOwn["X-Plex-Token"], "eyJ") {
			c.t.Error("the tokens are not what they should be in this mode")
		}
		delete(account, "X-Plex-Token")
		delete(atOwn, "X-Plex-Token")
		if !reflect.DeepEqual(account, atOwn) {
			c.t.Errorf("the other headers are %v, want %v", atOwn, account)
		}
		asked := c.plex.Count(plextvsim.Any)
		c.headers("GetServerHeaders", friendsID)
		if now := c.plex.Count(plextvsim.Any); now != asked {
			c.t.Errorf("plex.tv was asked %d times about a server that is known", now-asked)
		}
	})
}

func TestRenewServerHeaders(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		for _, machine := range []string{machineID, friendsID} {
			server := c.mediaServer(machine)
			old := c.headers("GetServerHeaders", machine)
			c.plex.RotateServerTokens(machine)
			if c.libraries(server, old) != 401 || c.libraries(server, c.headers("GetServerHeaders", machine)) != 401 {
				c.t.Fatal("the media server has not changed its tokens")
			}
			c.plexTime.Advance(time.Minute)
			renewed := c.headers("RenewServerHeaders", machine)
			if got := c.libraries(server, renewed); got != 200 {
				c.t.Errorf("the media server answers the renewed token with %d", got)
			}
			if known := c.headers("GetServerHeaders", machine); !reflect.DeepEqual(known, renewed) {
				c.t.Error("the renewed token is not kept")
			}
			asked := c.plex.Count(plextvsim.Any)
			for range 3 {
				c.headers("RenewServerHeaders", machine)
			}
			if now := c.plex.Count(plextvsim.Any); now != asked {
				c.t.Errorf("plex.tv was asked %d times within a minute", now-asked)
			}
		}
	})
}

func TestServersOfNobody(t *testing.T) {
	c := newBox(t, setup{}).client()
	const signedOut = names.ErrorPrefix + "AuthRequired"
	c.credentials("ListServers").isError(signedOut)
	c.credentials("GetServerHeaders", machineID).isError(signedOut)
	c.credentials("RenewServerHeaders", machineID).isError(signedOut)
}

func TestUnknownServer(t *testing.T) {
	bothModes(t, plextvsim.Options{}, func(c *client) {
		for _, member := range []string{"GetServerHeaders", "RenewServerHeaders"} {
			c.credentials(member, "no-such-server").isError(names.ErrorPrefix + "NotFound")
			c.credentials(member, "bell\a").isError(names.ErrInvalidArgs, "machine_id")
		}
		// One that plex.tv has only learned of now is found without a list before.
		c.plexTime.Advance(time.Minute)
		asked := c.plex.Count(plextvsim.Resources)
		c.credentials("GetServerHeaders", "no-such-server").isError(names.ErrorPrefix + "NotFound")
		if c.plex.Count(plextvsim.Resources) == asked {
			c.t.Error("plex.tv was not asked about a server that is not known")
		}
	})
}

// Without the PIN plex.tv gives no token for the servers of a protected user who
// signed in with a device key; with it, it does, and it is kept.
func TestServersOfAProtectedUser(t *testing.T) {
	c := newBox(t, setup{mode: auth.ModeJWT}).client()
	if err := c.plex.SetPIN(aliceUUID, "4711"); err != nil {
		t.Fatal(err)
	}
	c.pair()
	own, friends := c.mediaServer(machineID), c.mediaServer(friendsID)
	c.credentials("GetServerHeaders", machineID).isError(names.ErrorPrefix+"PinRejected", "switch to that user")
	if got := c.libraries(friends, c.headers("GetServerHeaders", friendsID)); got != 200 {
		t.Errorf("the friend's server answers %d", got)
	}
	c.home("SwitchUser", aliceUUID, "4711").gives("")
	if got := c.libraries(own, c.headers("GetServerHeaders", machineID)); got != 200 {
		t.Errorf("her own server answers %d", got)
	}
	c.restart()
	if got := c.libraries(own, c.headers("GetServerHeaders", machineID)); got != 200 {
		t.Errorf("after a restart her own server answers %d", got)
	}
}
