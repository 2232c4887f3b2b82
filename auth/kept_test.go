// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// lists makes plex.tv list those media servers, and lets the last list grow old.
func (b *box) lists(entries ...string) {
	b.sim.Clear()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.Resources, Body: "[" + strings.Join(entries, ",") + "]"})
	b.clock.Advance(time.Minute)
}

// What plex.tv says in a way that cannot be read costs nothing that was known.
func TestWhatWasKnownOfAServerStays(t *testing.T) {
	const good = `{"clientIdentifier":"m","provides":"server","name":"Attic","accessToken":"t1","connections":[{"uri":"http://a","local":true}]}`
	for odd, want := range map[string]struct{ name, token, uri string }{
		`"accessToken":7,"connections":"x"`:                   {"Attic", "t1", "http://a"},
		`"accessToken":{},"connections":null`:                 {"Attic", "t1", "http://a"},
		`"accessToken":"a\nb","connections":[7,{"uri":null}]`: {"Attic", "t1", "http://a"},
		`"name":["x"]`: {"Attic", "t1", "http://a"},
		`"name":"\ufffe","accessToken":"t2","connections":{}`:            {"\ufffd", "t2", "http://a"},
		`"accessToken":false,"connections":[{"uri":"http://b"},{}]`:      {"Attic", "t1", "http://b"},
		`"accessToken":null,"connections":[{"uri":"http://b","x":[{}]}]`: {"Attic", "", "http://b"},
		`"accessToken":"t2","connections":[]`:                            {"Attic", "t2", ""},
	} {
		b := newBox(t)
		b.signIn(plextvsim.User{})
		b.lists(good)
		_, err := b.account.ListServers(b.soon())
		b.must(err)
		b.lists(`7`, `{"clientIdentifier":"m","provides":"server",`+odd+`}`)
		servers, err := b.account.ListServers(b.soon())
		b.must(err)
		if len(servers) != 1 || servers[0].Name != want.name || strings.Join(servers[0].URIs, " ") != want.uri {
			t.Errorf("%s: %+v", odd, servers)
		}
		headers, err := b.account.ServerHeaders(b.soon(), "m")
		if want.token == "" {
			wantCode(t, odd, err, auth.NoServerToken)
		} else if err != nil || headers["X-Plex-Token"] != want.token {
			t.Errorf("%s: token %q, %v", odd, headers["X-Plex-Token"], err)
		}
	}
}

func TestAnEmptyListIsBelievedTheSecondTime(t *testing.T) {
	const server = `{"clientIdentifier":"m","provides":"server","accessToken":"t"}`
	full := func() *box {
		b := newBox(t)
		b.signIn(plextvsim.User{})
		b.lists(server)
		_, err := b.account.ListServers(b.soon())
		b.must(err)
		b.lists()
		return b
	}
	count := func(b *box) int {
		servers, err := b.account.ListServers(b.soon())
		b.must(err)
		return len(servers)
	}
	b := full()
	equal(t, "the first time", count(b), 1)
	b.clock.Advance(time.Minute)
	equal(t, "when somebody asks again", count(b), 0)

	b = full()
	equal(t, "the first time", count(b), 1)
	b.lists(server)
	equal(t, "full again", count(b), 1)
	b.lists()
	equal(t, "the first time again", count(b), 1)

	b = full()
	for range 3 { // nobody wants the list
		_, err := b.account.ServerHeaders(b.soon(), "other")
		wantCode(t, "other", err, auth.NotFound)
		_, err = b.account.ServerHeaders(b.soon(), "m")
		b.must(err)
		b.clock.Advance(20 * time.Minute)
	}
	_, err := b.account.ServerHeaders(b.soon(), "other")
	wantCode(t, "other", err, auth.NotFound)
	_, err = b.account.ServerHeaders(b.soon(), "m")
	wantCode(t, "an hour later", err, auth.NotFound)
}

// A 200 with an id is an account, whatever its names are.
func TestAccountsWithOddNames(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":7}`: "", `{"id":"7","title":null,"username":{},"email":[]}`: "",
		`{"id":7,"friendlyName":"Ann","username":"a"}`: "Ann", `{"id":7,"title":"\u0007","username":"a"}`: "a",
		`{"id":7,"title":false,"email":"a@b.c"}`: "a@b.c", `{"id":7,"title":"\ufffe\ud800"}`: "\ufffd\ufffd",
	} {
		b := newBox(t)
		b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Body: body})
		b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New("any")}))
		now := b.account.Snapshot()
		equal(t, body+": state", now.State, auth.SignedIn)
		equal(t, body+": title", now.User.Title, want)
		equal(t, body+": id", now.User.ID, "7")
		b.validate(true)
	}
}

// A field that cannot be read now is as it was.
func TestWhatWasKnownOfAnAccountStays(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{ID: 7, Username: "ann", Title: "Ann"})
	before := *b.account.Snapshot().User
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Body: `{"id":7,"uuid":[],"username":{},"title":7.5,"email":false,"thumb":"a\nb"}`})
	b.validate(true)
	before.Title = "7.5"
	equal(t, "user", *b.account.Snapshot().User, before)
}

func TestOddUsersOfTheHome(t *testing.T) {
	h := newHousehold(t)
	body := `{"id":1,"users":[7,null,{"uuid":"../x"},{"uuid":"%s","title":{"x":1},"friendlyName":"Guest","id":[],"protected":false,"thumb":7.5}]}`
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Body: fmt.Sprintf(body, h.guest)})
	users, err := h.account.ListUsers(h.soon())
	h.must(err)
	if len(users) != 1 || users[0].Title != "Guest" || users[0].UUID != h.guest || users[0].Protected {
		t.Fatalf("users: %+v", users)
	}
	h.must(h.switchTo(h.guest, ""))
	equal(t, "user", h.account.Snapshot().User.UUID, h.guest)
	equal(t, "works", h.works(), true)
}

// A claimed PIN is claimed, whatever else plex.tv's answer lacks.
func TestClaimIsTakenFromAnOddAnswer(t *testing.T) {
	for _, fields := range []string{``, `"id":{},"code":null,`, `"code":7,"expiresIn":"soon","expiresAt":[],`} {
		b := newBox(t)
		token := b.sim.AddUser(plextvsim.User{})
		p := b.pair(auth.PinOptions{})
		b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Body: `{` + fields + `"authToken":"` + token + `"}`})
		claimed, _, err := b.account.CheckPin(b.soon(), p.ID)
		b.must(err)
		equal(t, fields+" claimed", claimed, true)
		equal(t, "token", b.token(), token)
	}
}
