// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestControlRemovesDevices(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	b.sim.AddUser(plextvsim.User{Username: "bob"})
	d, other, old := b.newDevice("a"), b.newDevice("b"), b.newDevice("c")
	_, jwt := d.moveOver()
	_, others := other.moveOver()
	path, code := old.askPin(nil)
	b.control("POST", "/sim/claim?user=bob&code="+code)
	legacy := between(t, old.ask("GET", path, nil).body, `"authToken":"`, `"`)
	good := func() (names string) {
		for _, token := range []string{jwt, others, legacy} {
			name, _, _ := strings.Cut(d.user(token), "{")
			names += name + " "
		}
		return names
	}
	equal(t, "at first", good(), "ann ann bob ")
	for _, c := range [][3]string{
		{"?client=client-a", "1 devices removed\n", "Unauthorized ann bob "},
		{"?client=client-c&user=ann", "no such device\n", "Unauthorized ann bob "},
		{"?user=bob", "1 devices removed\n", "Unauthorized ann Unauthorized "},
		{"", "3 devices removed\n", "Unauthorized Unauthorized Unauthorized "},
	} {
		equal(t, c[0], b.control("POST", "/sim/remove-device"+c[0]).body, c[1])
		equal(t, c[0], good(), c[2])
	}
	state := strings.Join(strings.Fields(b.control("GET", "/sim/state").body), "")
	equal(t, "state", between(t, state, `"devices":[`, `]`), `{"client":"client-a","user":"ann","key":false,"jwts":1},`+
		`{"client":"client-b","user":"ann","key":false,"jwts":1},{"client":"client-c","user":"bob","key":false,"jwts":0}`)
}

func TestControlRevokesJWTs(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(ann)
	_, jwt := d.moveOver()
	for _, c := range [][2]string{{"?user=ann", "401"}, {"?status=422", "422"}, {"?status=0", "0"}, {"", "401"}} {
		equal(t, c[0], d.control("POST", "/sim/revoke"+c[0]).body, "2 tokens are now answered with status "+c[1]+"\n")
		equal(t, c[0], d.user(jwt) == "ann", c[1] == "0")
	}
	equal(t, "a new one", d.user(d.refresh()), "ann")
	equal(t, "the old one", d.user(jwt), "Unauthorized"+noUserJSON)
}

func TestControlJWTs(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.moveOver()
	for old, verified := range map[string]bool{"": true, "?old=listed": true, "?old=hidden": false, "?old=dropped": false} {
		jwt := d.refresh()
		equal(t, old, d.control("POST", "/sim/rotate-keys"+old).body, "JWTs are signed with a new key\n")
		equal(t, old, d.verified(jwt), verified)
		equal(t, old, d.user(jwt) == "sim-user-1", old != "?old=dropped")
	}
	equal(t, "lifetime", d.control("POST", "/sim/jwt-lifetime?lifetime=10m").body, "new JWTs are valid for 10m0s\n")
	jwt := d.refresh()
	d.clock.Advance(10 * time.Minute)
	equal(t, "lifetime", d.user(jwt), expiredJSON)
	for name := range plextvsim.BadJWTs() {
		equal(t, name, d.control("POST", "/sim/next-jwt?bad="+name).body, "the next JWT is bad: "+name+"\n")
		if d.judge(d.refresh(), "") == "" {
			t.Errorf("%s: nothing is wrong with it", name)
		}
	}
	names := slices.Sorted(maps.Keys(plextvsim.BadJWTs()))
	_, help, _ := strings.Cut(plextvsim.ControlHelp, "must not be taken:")
	equal(t, "help", strings.Join(strings.Fields(help)[:len(names)], " "), strings.Join(names, " "))
}

func TestControlHomeAndServers(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(withServers())
	token := d.signIn()
	for _, query := range []string{"user=bob&pin=0123", "user=kid&restricted=1", "user=guest&guest=1"} {
		want, _, _ := strings.Cut(strings.TrimPrefix(query, "user="), "&")
		equal(t, query, d.control("POST", "/sim/home-user?"+query).body, "added "+want+"\n")
	}
	body := d.ask("GET", "/api/v2/home/users", nil, as(token)...).body
	for part, times := range map[string]int{
		`"username":"bob"`: 1, `"title":"kid"`: 1, `"protected":true`: 1, `"restricted":true`: 1, `"guest":true`: 1, `"uuid"`: 4,
	} {
		equal(t, part, strings.Count(body, part), times)
	}
	mine, friends := d.serverToken(owned, token), d.serverToken(shared, token)
	equal(t, "rotate", d.control("POST", "/sim/rotate-server-tokens?machine="+owned).body, "media servers want new tokens\n")
	equal(t, "owned", d.serverToken(owned, token) != mine, true)
	equal(t, "shared", d.serverToken(shared, token), friends)
}

func TestControlRefusesMoreMistakes(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	for target, want := range map[string]answer{
		"remove-device":             {status: 404, body: "no such device"},
		"remove-device?x=1":         {status: 400, body: "x: unknown argument; known are: client, user"},
		"home-user":                 {status: 400, body: "user: say who"},
		"home-user?user=x&pin=1":    {status: 400, body: "the PIN of a home user is 4 digits"},
		"home-user?user=x&guest=2":  {status: 400, body: `guest: "2" does not fit`},
		"remove-home-user?user=x":   {status: 404, body: "no such user"},
		"fail?for=8s":               {status: 400, body: "fail: say how"},
		"jwt-lifetime":              {status: 400, body: "lifetime: 0s is too short"},
		"jwt-lifetime?lifetime=7":   {status: 400, body: `lifetime: "7" does not fit`},
		"next-jwt":                  {status: 400, body: `bad: "" does not fit`},
		"next-jwt?bad=x":            {status: 400, body: `bad: "x" does not fit`},
		"next-jwt?x=x":              {status: 400, body: "x: unknown argument"},
		"rotate-keys?old=x":         {status: 400, body: `old: "x" does not fit`},
		"rotate-keys?x=x":           {status: 400, body: "x: unknown argument"},
		"rotate-server-tokens?x=":   {status: 400, body: "x: unknown argument"},
		"fail?lost=2":               {status: 400, body: `lost: "2" does not fit`},
		"fail?endpoint=home.switch": {status: 400, body: "fail: say how"},
	} {
		a := b.control("POST", "/sim/"+target)
		equal(t, target, a.status, want.status)
		if !strings.Contains(a.body, want.body) {
			t.Errorf("%s: %s, want %s", target, a.body, want.body)
		}
	}
	b.sim.AddUser(ann)
	equal(t, "nobody was added", strings.Contains(b.control("GET", "/sim/state").body, `"ann": 1`), true)
	equal(t, "lost", b.control("POST", "/sim/fail?lost=1").status, http.StatusOK)
	if _, err := b.try("GET", "/api/v2/user", ""); err == nil {
		t.Error("lost: an answer came")
	}
}

func TestLogOfDevices(t *testing.T) {
	log := make(lines, 10)
	d := newBox(t, plextvsim.Options{Log: log}).newDevice("a")
	d.sim.AddUser(ann)
	legacy, jwt := d.moveOver()
	d.sim.RotateKeys(plextvsim.OldKeysListed)
	d.switchTo(ann.UUID, "", jwt)
	d.control("POST", "/sim/home-user?user=kid&restricted=1")
	equal(t, "removing", d.sim.RemoveDevice(d.client), nil)
	_, code := d.askPin(d.withKey())
	close(log)
	text := ""
	for line := range log {
		text += line
		if strings.Contains(line, legacy) || strings.Contains(line, "eyJ") || strings.Contains(line, d.client) {
			t.Errorf("a secret is in the log: %s", line)
		}
	}
	_, text, _ = strings.Cut(text, "claimed by ann\n")
	equal(t, "log", text, "a device of ann registered a key\na device of ann has a JWT, valid for 168h0m0s\n"+
		"plex.tv signs with a new key\nann switched to ann\na device was removed\nPIN "+code+" requested, valid for 30m0s\n")
}
