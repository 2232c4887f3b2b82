// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const (
	owned, shared = "85a943ce", "7f3b" // machine ids of withServers
	pageOf401     = "<html><head><title>401 Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>"
)

// serverToken is the access token in the resources that the user of token gets.
func (d *device) serverToken(machine, token string) string {
	d.Helper()
	var list []struct{ ClientIdentifier, AccessToken string }
	a := d.ask("GET", "/api/v2/resources", nil, as(token)...)
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		d.Fatalf("%v: %s", err, a.body)
	}
	for _, resource := range list {
		if resource.ClientIdentifier == machine {
			return resource.AccessToken
		}
	}
	d.Errorf("no resource %s in %s", machine, a.body)
	return ""
}

// switchTo switches to the user and returns the new token, or the refusal.
func (d *device) switchTo(uuid, query, token string) string {
	d.Helper()
	a := d.ask("POST", "/api/v2/home/users/"+uuid+"/switch"+query, nil, as(token)...)
	if a.status != http.StatusCreated {
		return a.body
	}
	return between(d, a.body, `"authToken":"`, `"`)
}

// libraries asks the media server for its libraries and returns the status.
func libraries(t *testing.T, server *plextvsim.Server, token string) int {
	t.Helper()
	response, err := http.Get(server.URL + "/library/sections?X-Plex-Token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "closing", response.Body.Close(), nil)
	return response.StatusCode
}

func mediaServer(t *testing.T, sim *plextvsim.Sim, machine string) *plextvsim.Server {
	server := sim.MediaServer(machine).Start()
	t.Cleanup(server.Close)
	return server
}

func TestServerTokens(t *testing.T) {
	for name, accepts := range map[string]bool{"JWTs refused": false, "JWTs accepted": true} {
		t.Run(name, func(t *testing.T) {
			d := newBox(t, plextvsim.Options{ServersAcceptJWT: accepts}).newDevice("a")
			d.sim.AddUser(withServers())
			mine, friends := mediaServer(t, d.sim, owned), mediaServer(t, d.sim, shared)
			legacy := d.signIn()
			equal(t, "owned, legacy", d.serverToken(owned, legacy), legacy)
			equal(t, "owned, legacy", libraries(t, mine, legacy), 200)
			d.register(legacy)
			jwt := d.refresh()
			equal(t, "the legacy token that ended", libraries(t, mine, legacy), 401)
			equal(t, "owned, JWT", d.serverToken(owned, jwt), jwt)
			equal(t, "shared, JWT", d.serverToken(shared, jwt), "shared")
			equal(t, "owned, JWT", libraries(t, mine, jwt), map[bool]int{false: 401, true: 200}[accepts])
			equal(t, "shared, its token", libraries(t, friends, "shared"), 200)
			equal(t, "shared, the account's", libraries(t, friends, jwt), 401)

			own := d.switchTo(ann.UUID, "", jwt)
			equal(t, "length of the token of a switch", len(own), 20)
			equal(t, "owned, switched", d.serverToken(owned, own), own)
			equal(t, "shared, switched", d.serverToken(shared, own), "shared")
			equal(t, "owned, switched", libraries(t, mine, own), 200)
			equal(t, "shared, switched", libraries(t, friends, own), 401)
			for _, token := range []string{"", "x", "shared"} {
				equal(t, "owned, nobody's", libraries(t, mine, token), 401)
			}
		})
	}
}

func TestOwnedServerWithATokenOfItsOwn(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	user := withServers()
	user.Resources[0].AccessToken = "own"
	d.sim.AddUser(user)
	mine := mediaServer(t, d.sim, owned)
	legacy, jwt := d.moveOver()
	equal(t, "an opaque token", d.serverToken(owned, d.switchTo(ann.UUID, "", jwt)), "own")
	equal(t, "a JWT", d.serverToken(owned, jwt), jwt)
	uuid, err := d.sim.AddHomeUser("", plextvsim.User{})
	equal(t, "error", err, nil)
	equal(t, "length of another's in the home", len(d.serverToken(owned, d.switchTo(uuid, "", jwt))), 20)
	equal(t, "statuses", [3]int{libraries(t, mine, "own"), libraries(t, mine, legacy), libraries(t, mine, jwt)}, [3]int{200, 401, 401})
}

func TestRotateServerTokens(t *testing.T) {
	for machine, want := range map[string][2]int{"": {401, 401}, owned: {401, 200}, shared: {200, 401}} {
		d := newBox(t, plextvsim.Options{}).newDevice("a")
		d.sim.AddUser(withServers())
		mine, friends := mediaServer(t, d.sim, owned), mediaServer(t, d.sim, shared)
		token := d.signIn()
		for range 2 {
			before := [2]string{d.serverToken(owned, token), d.serverToken(shared, token)}
			d.sim.RotateServerTokens(machine)
			equal(t, "the old ones", [2]int{libraries(t, mine, before[0]), libraries(t, friends, before[1])}, want)
			equal(t, "the new ones", [2]int{
				libraries(t, mine, d.serverToken(owned, token)),
				libraries(t, friends, d.serverToken(shared, token)),
			}, [2]int{200, 200})
			equal(t, "length", len(d.serverToken(owned, token)), 20)
		}
	}
}

func TestPlayersKeepTheAccountsToken(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(plextvsim.User{Resources: []plextvsim.Resource{{ClientIdentifier: "tv", Provides: "client,player", Owned: true}}})
	token := d.signIn()
	d.sim.RotateServerTokens("")
	equal(t, "of a player", d.serverToken("tv", token), token)
}

func TestMediaServerOnTheWire(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(withServers())
	server := mediaServer(t, d.sim, owned)
	for target, want := range map[string]answer{
		"/identity": {200, http.Header{"Content-Type": {"text/xml;charset=utf-8"}}, xmlHead +
			`<MediaContainer size="0" claimed="1" machineIdentifier="85a943ce" version="1.43.3.10793-cdb1b5f21"></MediaContainer>`},
		"/identity json": {200, http.Header{"Content-Type": {"application/json"}},
			`{"MediaContainer":{"size":0,"claimed":true,"machineIdentifier":"85a943ce","version":"1.43.3.10793-cdb1b5f21"}}`},
		"/library/sections":      {401, http.Header{"Content-Type": {"text/html"}}, pageOf401},
		"/library/sections json": {401, http.Header{"Content-Type": {"text/html"}}, pageOf401},
		"/library/sections?X-Plex-Token=" + ann.Token: {200, http.Header{"Content-Type": {"text/xml;charset=utf-8"}}, xmlHead +
			`<MediaContainer size="1"><Directory key="1" type="movie" title="Movies"></Directory></MediaContainer>`},
		"/library/sections token json": {200, http.Header{"Content-Type": {"application/json"}},
			`{"MediaContainer":{"size":1,"Directory":[{"key":"1","type":"movie","title":"Movies"}]}}`},
		"/elsewhere":       {401, http.Header{"Content-Type": {"text/html"}}, pageOf401},
		"/elsewhere token": {404, http.Header{"Content-Type": {"text/html"}}, ""},
	} {
		a := askServer(t, server.URL, target)
		equal(t, target, a.status, want.status)
		equal(t, target, a.header.Get("Content-Type"), want.header.Get("Content-Type"))
		if want.body != "" {
			equal(t, target, a.body, want.body)
		}
	}
}

// askServer gets a path that words may follow: json, and token for ann's as a header.
func askServer(t *testing.T, url, target string) answer {
	t.Helper()
	words := strings.Fields(target)
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+words[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(words, "json") {
		r.Header.Set("Accept", "application/json")
	}
	if slices.Contains(words, "token") {
		r.Header.Set("X-Plex-Token", ann.Token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	equal(t, "error", err, nil)
	return answer{response.StatusCode, response.Header, string(body)}
}
