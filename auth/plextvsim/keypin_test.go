// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestPinWithKey(t *testing.T) {
	for _, strong := range []bool{true, false} {
		d := newBox(t, plextvsim.Options{}).newDevice("a")
		d.sim.AddUser(ann)
		path, code := d.askPin(map[string]any{"jwk": d.jwk(), "strong": strong})
		equal(t, "strong", d.sim.Pins()[0].Strong, strong)
		equal(t, "length of the code", len(code), map[bool]int{true: 25, false: 4}[strong])
		check := func(header ...string) string {
			a := d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil, header...)
			equal(t, "status", a.status, http.StatusOK)
			return strings.Trim(between(t, a.body, `"authToken":`, ","), `"`)
		}
		equal(t, "before the claim", check(), "null")
		equal(t, "claim", d.sim.Claim(code, ""), nil)
		equal(t, "without a device JWT", between(t, d.ask("GET", path, nil).body, `"authToken":`, ","), "null")
		equal(t, "not read yet", d.sim.Pins()[0].TokenReadAt.IsZero(), true)
		equal(t, "claimed", strings.Contains(d.control("GET", "/sim/state").body, `"claimed": true`), true)
		jwt := check()
		equal(t, "verified", d.verified(jwt), true)
		equal(t, "user", d.user(jwt), "ann")
		d.clock.Advance(time.Second)
		equal(t, "read again", check(), jwt)
		equal(t, "again without a device JWT", between(t, d.ask("GET", path, nil).body, `"authToken":`, ","), "null")
		equal(t, "read at", d.sim.Pins()[0].TokenReadAt, start)
		equal(t, "refresh", d.user(d.refresh()), "ann")
	}
}

func TestPinWithKeyChecksTheDeviceJWT(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	path, code := d.askPin(d.withKey())
	expired := d.claims("")
	expired["exp"] = d.clock.Now().Unix()
	foreign := b.newDevice("b")
	foreign.client, foreign.kid = d.client, d.kid
	for _, claimed := range []bool{false, true} {
		if claimed {
			equal(t, "claim", b.sim.Claim(code, ""), nil)
		}
		for name, c := range map[string]struct{ jwt, body string }{
			"expired":     {d.sign(d.header(), expired), expiredJSON},
			"another key": {foreign.jwt(""), signatureJSON},
			"another kid": {d.sign(other.header(), d.claims("")), signatureJSON},
			"no JWT":      {"x", signatureJSON},
		} {
			equal(t, name, d.ask("GET", path+"?deviceJWT="+c.jwt, nil).body, c.body)
		}
		equal(t, "another client", other.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, pinGoneJSON)
	}
	equal(t, "removing", b.sim.RemoveDevice(d.client), nil)
	equal(t, "removed meanwhile", d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, noKeyJSON)
	b.clock.Advance(plextvsim.StrongLifetime)
	equal(t, "expired PIN", d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, pinGoneJSON)
}

func TestPinRefusesKeys(t *testing.T) {
	for _, known := range []bool{false, true} {
		b := newBox(t, plextvsim.Options{PinRefusesKnownKey: known})
		d, other := b.newDevice("a"), b.newDevice("b")
		d.signInWithKey()
		want := http.StatusCreated
		if known {
			want = http.StatusUnprocessableEntity
		}
		equal(t, "its own key again", d.ask("POST", "/api/v2/pins", d.withKey()).status, want)
		other.private = d.private
		equal(t, "another's key", other.ask("POST", "/api/v2/pins", other.withKey()).body, takenJSON)
		equal(t, "a bad key", other.ask("POST", "/api/v2/pins", map[string]any{"jwk": 1}).body, malformedJSON)
		equal(t, "bad JSON", b.send("POST", "/api/v2/pins", "{", "Content-Type", "application/json").body, malformedJSON)
		equal(t, "PINs", len(b.sim.Pins()), map[bool]int{false: 2, true: 1}[known])
	}
}

func TestPinWithoutKeyButJSON(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.askPin(map[string]any{"strong": true})
	equal(t, "strong", d.sim.Pins()[0].Strong, true)
	equal(t, "an empty body", d.send("POST", "/api/v2/pins?strong=1", "", "Content-Type", "application/json").status, http.StatusCreated)
	equal(t, "strong", d.sim.Pins()[1].Strong, true)
}

func TestAnotherPersonsDevice(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(ann)
	bob := d.sim.AddUser(plextvsim.User{Username: "bob"})
	legacy := d.signIn()
	path, code := d.askPin(d.withKey())
	equal(t, "claim", d.sim.Claim(code, bob), nil)
	jwt := between(t, d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, `"authToken":"`, `"`)
	equal(t, "the device of bob", d.user(jwt)+d.user(d.refresh()), "bobbob")
	equal(t, "the token of ann", d.user(legacy), "Unauthorized"+noUserJSON)
	anns := d.signInWithKey()
	equal(t, "the device of ann", d.user(anns)+d.user(d.refresh()), "annann")
	equal(t, "the JWT of bob", d.user(jwt), "Unauthorized"+noUserJSON)

	d = d.newDevice("b")
	legacy = d.signIn()
	_, code = d.askPin(nil)
	equal(t, "claim", d.sim.Claim(code, bob), nil)
	d.register(legacy)
	equal(t, "ann's token with a key", d.user(d.refresh()), "ann")
}

func TestTokenOnceWithKey(t *testing.T) {
	d := newBox(t, plextvsim.Options{TokenOnce: true}).newDevice("a")
	path, code := d.askPin(d.withKey())
	equal(t, "claim", d.sim.Claim(code, ""), nil)
	equal(t, "without a device JWT", d.ask("GET", path, nil).status, http.StatusOK)
	equal(t, "once", d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).status, http.StatusOK)
	equal(t, "twice", d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, pinGoneJSON)
}

func TestNewKeyTakesThePlaceOfTheOld(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	jwt := d.signInWithKey()
	old := *d
	fresh := d.newDevice("c")
	d.private, d.kid = fresh.private, fresh.kid
	equal(t, "registering", d.register(jwt).status, http.StatusCreated)
	equal(t, "the old key", old.exchange(old.jwt(old.nonce())).body, signatureJSON)
	equal(t, "the new key", d.part(d.refresh(), 1)["thumbprint"], any("kid-c"))
	equal(t, "the JWT of the old key", d.user(jwt), "sim-user-1")
	old.client = "client-b"
	equal(t, "the old key is free", old.register(old.signIn()).status, http.StatusCreated)
}
