// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const (
	needsPINJSON = `{"errors":[{"code":1041,"message":"A valid PIN is required to perform this action","status":403}]}`
	notPINJSON   = `{"errors":[{"code":1038,"message":"PIN must be 4 digits","status":400}]}`
	notFoundJSON = `{"errors":[{"code":1002,"message":"The requested resource or endpoint could not be found","status":404}]}`
	managedJSON  = `{"errors":[{"code":1009,"message":"Managed users aren't allowed to perform this action","status":403}]}`
	tooManyJSON  = `{"errors":[{"code":1003,"message":"API rate limit exceeded","status":429}]}`
)

// newHome is a device of ann's, her token, and her home with a protected partner, a
// child, and a guest.
func newHome(t *testing.T, options plextvsim.Options) (d *device, token string) {
	t.Helper()
	d = newBox(t, options).newDevice("a")
	d.sim.AddUser(withServers())
	for _, user := range []plextvsim.User{
		{ID: 2, UUID: "b0b", Username: "bob", Title: "Bob", Email: "bob@example.org", Thumb: "t2", PIN: "0123"},
		{ID: 3, UUID: "c1d", Username: "kid", Title: "Kid", Thumb: "t3", Restricted: true},
		{ID: 4, UUID: "e55", Username: "guest", Title: "Guest", Thumb: "t4", Guest: true},
	} {
		uuid, err := d.sim.AddHomeUser("", user)
		equal(t, "error", err, nil)
		equal(t, "uuid", uuid, user.UUID)
	}
	return d, d.signIn()
}

func TestHomeUsersOnTheWire(t *testing.T) {
	d, token := newHome(t, plextvsim.Options{})
	a := d.ask("GET", "/api/v2/home/users", nil, "Accept", "*/*", "X-Plex-Token", token)
	equal(t, "content type", a.header.Get("Content-Type"), jsonType)
	equal(t, "home", a.body, `{"id":14192262,"name":"Ann's home","guestUserID":4,"guestUserUUID":"e55","guestEnabled":true,"subscription":false,"users":[`+
		`{"id":13692262,"uuid":"dae343c1f45beb4f","title":"Ann","username":"ann","email":"ann@example.org",`+
		`"thumb":"https://plex.tv/users/dae343c1f45beb4f/avatar?c=1","hasPassword":true,"restricted":false,"restrictionProfile":null,"admin":true,"guest":false,"protected":false},`+
		`{"id":2,"uuid":"b0b","title":"Bob","username":"bob","email":"bob@example.org","thumb":"t2","hasPassword":true,"restricted":false,"restrictionProfile":null,"admin":false,"guest":false,"protected":true},`+
		`{"id":3,"uuid":"c1d","title":"Kid","username":null,"email":null,"thumb":"t3","hasPassword":false,"restricted":true,"restrictionProfile":null,"admin":false,"guest":false,"protected":false},`+
		`{"id":4,"uuid":"e55","title":"Guest","username":null,"email":null,"thumb":"t4","hasPassword":false,"restricted":false,"restrictionProfile":null,"admin":false,"guest":true,"protected":false}]}`)
	equal(t, "of a member", d.ask("GET", "/api/v2/home/users", nil, as(d.switchTo("c1d", "", token))...).body, a.body)
	equal(t, "without a token", d.ask("GET", "/api/v2/home/users", nil).body, noUserJSON)

	alone := d.sim.AddUser(plextvsim.User{UUID: "a10e"})
	body := d.ask("GET", "/api/v2/home/users", nil, as(alone)...).body
	equal(t, "alone", between(t, body, `{"id":`, `,"users":[`), `0,"name":"sim-user-5's home","guestUserID":null,"guestUserUUID":"","guestEnabled":false,"subscription":false`)
	equal(t, "alone", strings.Count(body, `"uuid"`), 1)
	equal(t, "alone", len(d.switchTo("a10e", "", alone)), 20)
}

func TestSwitchOnTheWire(t *testing.T) {
	d, token := newHome(t, plextvsim.Options{})
	a := d.ask("POST", "/api/v2/home/users/b0b/switch?pin=0123", nil, as(token)...)
	equal(t, "status", a.status, http.StatusCreated)
	bob := between(t, a.body, `"authToken":"`, `"`)
	equal(t, "the account", a.body, d.ask("GET", "/api/v2/user", nil, as(bob)...).body)
	for _, part := range []string{
		`{"id":2,"uuid":"b0b","username":"bob","title":"Bob"`, `"hasPassword":true,"protected":true,"thumb":"t2","authToken":"` + bob + `"`,
		`"restricted":false,"anonymous":null,"home":true,"guest":false,"homeSize":4,"homeAdmin":false`,
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("no %s in %s", part, a.body)
		}
	}
	equal(t, "the own token", d.user(token), "ann")
	kid := d.ask("POST", "/api/v2/home/users/c1d/switch", nil, "Accept", "-", "X-Plex-Token", bob)
	equal(t, "XML", kid.header.Get("Content-Type"), xmlType)
	for _, part := range []string{xmlHead + `<user id="3" uuid="c1d" `, ` hasPassword="0" protected="0" `, ` restricted="1" anonymous="" home="1" guest="0" `} {
		if !strings.Contains(kid.body, part) {
			t.Errorf("no %s in %s", part, kid.body)
		}
	}
	guest := d.switchTo("e55", "", between(t, kid.body, `authToken="`, `"`))
	equal(t, "guest", strings.Contains(d.ask("GET", "/api/v2/user", nil, as(guest)...).body, `"home":true,"guest":true,`), true)
	equal(t, "from one to the other and back", d.user(d.switchTo(ann.UUID, "", guest)), "ann")
}

func TestSwitchAsksForThePIN(t *testing.T) {
	for name, c := range map[string]struct {
		options      plextvsim.Options
		none, ownPIN string // without a PIN, into bob and, as bob, into bob
	}{
		"always":          {plextvsim.Options{}, needsPINJSON, needsPINJSON},
		"not if none":     {plextvsim.Options{LetInWithoutPIN: true}, "bob", "bob"},
		"not for oneself": {plextvsim.Options{OwnSwitchWithoutPIN: true}, needsPINJSON, "bob"},
	} {
		d, token := newHome(t, c.options)
		whom := func(uuid, query, token string) string {
			answer := d.switchTo(uuid, query, token)
			if !strings.HasPrefix(answer, "{") {
				return d.user(answer)
			}
			return answer
		}
		bob := d.switchTo("b0b", "?pin=0123", token)
		for query, want := range map[string]string{
			"?pin=0123": "bob", "": c.none, "?pin=": c.none, "?pin=1234": needsPINJSON,
			"?pin=123": notPINJSON, "?pin=01234": notPINJSON, "?pin=abcd": notPINJSON,
		} {
			equal(t, name+query, whom("b0b", query, token), want)
		}
		equal(t, name+": as oneself", whom("b0b", "", bob), c.ownPIN)
		equal(t, name+": as oneself with a wrong one", whom("b0b", "?pin=9999", bob), needsPINJSON)
		equal(t, name+": a PIN that nobody wants", whom("c1d", "?pin=9999", token), "kid")
		equal(t, name+": bad account", whom("b0b", "?pin=0123", "x"), noUserJSON)
		equal(t, name+": not of this home", whom("x", "", token), notFoundJSON)

		equal(t, name, errors.Join(d.sim.SetPIN("b0b", ""), d.sim.SetPIN("c1d", "4321")), nil)
		equal(t, name+": PIN taken away", whom("b0b", "", token), "bob")
		equal(t, name+": PIN given", whom("c1d", "?pin=0123", token), needsPINJSON)
	}
}

func TestManagedUsersMayNotEverything(t *testing.T) {
	for name, c := range map[string]struct {
		mayNot          []plextvsim.Endpoint
		link, list, key string
	}{
		"by default": {nil, managedJSON, "", managedJSON},
		"nothing":    {[]plextvsim.Endpoint{}, pinGoneJSON, "", malformedJSON},
		"the list":   {[]plextvsim.Endpoint{plextvsim.HomeUsers}, pinGoneJSON, managedJSON, malformedJSON},
	} {
		d, token := newHome(t, plextvsim.Options{ManagedMayNot: c.mayNot})
		kid := d.switchTo("c1d", "", token)
		equal(t, name, d.ask("PUT", "/api/v2/pins/link?code=x", nil, as(kid)...).body, c.link)
		equal(t, name, d.ask("POST", "/api/v2/auth/jwk", nil, as(kid)...).body, c.key)
		if a := d.ask("GET", "/api/v2/home/users", nil, as(kid)...); a.status != http.StatusOK {
			equal(t, name, a.body, c.list)
		}
		equal(t, name+": others may", d.ask("PUT", "/api/v2/pins/link?code=x", nil, as(token)...).body, pinGoneJSON)
	}
}

func TestSwitchLimit(t *testing.T) {
	d, token := newHome(t, plextvsim.Options{SwitchLimit: 2})
	d.switchTo("b0b", "?pin=9999", token)
	kid := d.switchTo("c1d", "", token)
	d.clock.Advance(time.Minute - 1)
	equal(t, "too many", d.switchTo("e55", "", kid), tooManyJSON)
	d.clock.Advance(1)
	equal(t, "a minute later", len(d.switchTo("e55", "", token)), 20)
}

func TestSwitchedTokens(t *testing.T) {
	for name, options := range map[string]plextvsim.Options{
		"by default": {}, "end": {SwitchedLifetime: time.Hour}, "killed": {JWTKillsSwitched: true},
	} {
		d, legacy := newHome(t, options)
		d.register(legacy)
		jwt := d.refresh()
		kid := d.switchTo("c1d", "", jwt)
		d.clock.Advance(time.Hour - 1)
		equal(t, name+": at first", d.user(kid), "kid")
		d.clock.Advance(1)
		equal(t, name+": later", d.user(kid) == "kid", options.SwitchedLifetime == 0)
		fresh := d.refresh()
		equal(t, name+": after a refresh", d.user(kid) == "kid", options.SwitchedLifetime == 0 && !options.JWTKillsSwitched)
		equal(t, name+": the JWT is still the admin's", d.user(fresh), "ann")
		equal(t, name, d.sim.RemoveDevice(d.client), nil)
		equal(t, name+": removed", d.user(kid), "Unauthorized"+noUserJSON)
	}
}

func TestHomeUsersSeeTheAdminsServers(t *testing.T) {
	d, token := newHome(t, plextvsim.Options{})
	kid, bob := d.switchTo("c1d", "", token), d.switchTo("b0b", "?pin=0123", token)
	body := d.ask("GET", "/api/v2/resources", nil, as(kid)...).body
	equal(t, "how many", strings.Count(body, `"name"`), 1)
	equal(t, "of whom", between(t, body, `"ownerId":`, `,"publicAddress"`), `13692262,"sourceTitle":"Ann"`)
	equal(t, "how", strings.Contains(body, `"owned":false,"home":true,`), true)
	kids, bobs := d.serverToken(owned, kid), d.serverToken(owned, bob)
	equal(t, "length", len(kids), 20)
	equal(t, "distinct", kids != bobs && kids != kid, true)
	server := mediaServer(t, d.sim, owned)
	equal(t, "let in", [3]int{libraries(t, server, kids), libraries(t, server, bobs), libraries(t, server, kid)}, [3]int{200, 200, 401})
}

func TestAHomeMakesAnAdmin(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	_, err := d.sim.AddHomeUser("", plextvsim.User{})
	equal(t, "error", err, nil)
	body := d.ask("GET", "/api/v2/home/users", nil, as(d.signIn())...).body
	equal(t, "admins", strings.Count(body, `"admin":true`), 1)
	equal(t, "the first is it", strings.Index(body, `"admin":true`) < strings.Index(body, `"admin":false`), true)
}

func TestAddHomeUserRefuses(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	for name, err := range map[string]error{
		"short PIN": b.sim.SetPIN("x", "123"), "letters": b.sim.SetPIN("x", "abcd"), "nobody": b.sim.SetPIN("x", "1234"),
	} {
		if err == nil || strings.Contains(err.Error(), "123") || strings.Contains(err.Error(), "abcd") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.sim.AddHomeUser("nobody's", plextvsim.User{}); !errors.Is(err, plextvsim.ErrNoToken) {
		t.Errorf("a home of nobody: %v", err)
	}
	if _, err := b.sim.AddHomeUser("", plextvsim.User{PIN: "12345"}); err == nil {
		t.Error("a PIN of 5 digits")
	}
}

func TestRemovedFromAHome(t *testing.T) {
	d, token := newHome(t, plextvsim.Options{})
	kid := d.switchTo("c1d", "", token)
	equal(t, "kid", d.user(kid), "kid")
	equal(t, "the admin stays", d.control("POST", "/sim/remove-home-user?user=ann").status, http.StatusNotFound)
	equal(t, "control", d.control("POST", "/sim/remove-home-user?user=kid").body, "removed kid\n")
	equal(t, "kid's token", d.user(kid), "Unauthorized"+noUserJSON)
	equal(t, "listed", strings.Count(d.ask("GET", "/api/v2/home/users", nil, as(token)...).body, `"uuid"`), 3)
	equal(t, "a switch", d.ask("POST", "/api/v2/home/users/c1d/switch", nil, as(token)...).body, notFoundJSON)
	if err := d.sim.RemoveHomeUser("c1d"); err == nil {
		t.Error("removed twice")
	}
}
