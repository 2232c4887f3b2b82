// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestKeysOnTheWire(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	a := b.send("GET", "/api/v2/auth/keys", "", "Accept", "*/*", "X-Plex-Client-Identifier", "-")
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "content type", a.header.Get("Content-Type"), jsonType)
	var list struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Keys) != 2 {
		t.Fatalf("not two keys: %s (%v)", a.body, err)
	}
	for _, key := range list.Keys {
		equal(t, "fields", strings.Join(slices.Sorted(maps.Keys(key)), " "), "alg crv kid kty use x")
		equal(t, "values", key["alg"]+key["crv"]+key["kty"]+key["use"], "EdDSAEd25519OKPsig")
	}
	equal(t, "the newer one signs", list.Keys[1]["kid"] != list.Keys[0]["kid"], true)
	d := b.newDevice("a")
	_, jwt := d.moveOver()
	equal(t, "kid", d.part(jwt, 0)["kid"], any(list.Keys[1]["kid"]))
}

func TestPlexJWT(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.sim.AddUser(ann)
	_, jwt := d.moveOver()
	equal(t, "verified", d.verified(jwt), true)
	header, claims := d.part(jwt, 0), d.part(jwt, 1)
	delete(header, "kid")
	delete(claims, "jti")
	text, err := json.Marshal([]any{header, claims})
	equal(t, "error", err, nil)
	equal(t, "JWT", string(text), `[{"alg":"EdDSA","typ":"JWT"},`+
		`{"aud":["plex.tv","client-a"],"exp":1769083200,"iat":1768478400,"iss":"plex.tv",`+
		`"thumbprint":"kid-a","user":{"id":13692262}}]`)
	a := d.ask("GET", "/api/v2/user", nil, as(jwt)...)
	equal(t, "the account's token", between(t, a.body, `"authToken":"`, `"`), jwt)
	equal(t, "by query", d.ask("GET", "/api/v2/ping?X-Plex-Token="+jwt, nil).status, http.StatusOK)
}

func TestPlexJWTExpires(t *testing.T) {
	for want, options := range map[string]plextvsim.Options{
		expiredJSON: {},
		noUserJSON:  {ExpiredStatus: 401, JWTLifetime: time.Hour},
	} {
		d := newBox(t, options).newDevice("a")
		_, jwt := d.moveOver()
		lifetime := plextvsim.JWTLifetime
		if options.JWTLifetime != 0 {
			lifetime = options.JWTLifetime
		}
		d.clock.Advance(lifetime - 1)
		equal(t, "in time", d.user(jwt), "sim-user-1")
		d.clock.Advance(1)
		for _, path := range []string{"/api/v2/user", "/api/v2/resources", "/api/v2/ping", "/api/v2/home/users"} {
			equal(t, path, d.ask("GET", path, nil, as(jwt)...).body, want)
		}
		d.sim.SetJWTLifetime(time.Minute)
		jwt = d.refresh()
		d.clock.Advance(time.Minute)
		equal(t, "shorter", d.ask("GET", "/api/v2/user", nil, as(jwt)...).body, want)
	}
}

func TestSkewedClockAndJWTs(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		d := newBox(t, plextvsim.Options{}).newDevice("a")
		_, before := d.moveOver()
		d.sim.Fail(plextvsim.Fault{Skew: skew})
		claims := d.claims(d.nonce())
		if a := d.exchange(d.sign(d.header(), claims)); a.status == http.StatusOK {
			t.Errorf("%v: a device JWT of another time was taken", skew)
		}
		now := start.Add(skew)
		a := d.exchange(d.sign(d.header(), d.claimsAt(now, d.nonce())))
		jwt := between(t, a.body, `{"auth_token":"`, `"`)
		equal(t, "made", d.part(jwt, 1)["iat"], any(float64(now.Unix())))
		equal(t, "expires", d.part(jwt, 1)["exp"], any(float64(now.Add(plextvsim.JWTLifetime).Unix())))
		d.clock.Advance(plextvsim.JWTLifetime - skew)
		equal(t, "an earlier one", d.user(before), expiredJSON)
		d.clock.Advance(skew - 1)
		equal(t, "in time", d.user(jwt), "sim-user-1")
		d.clock.Advance(1)
		equal(t, "expired", d.user(jwt), expiredJSON)
	}
}

func TestJWTEndsTheLegacyToken(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	first, others := d.signIn(), other.signIn()
	second := d.signIn()
	equal(t, "registering", d.register(second).status, http.StatusCreated)
	equal(t, "a key alone ends nothing", d.user(second), "sim-user-1")
	d.refresh()
	for _, token := range []string{first, second} {
		equal(t, "afterwards", d.user(token), "Unauthorized"+noUserJSON)
	}
	equal(t, "another device", other.user(others), "sim-user-1")
}

func TestNoWayBackFromJWT(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d := b.newDevice("a")
	d.moveOver()
	a := d.ask("POST", "/api/v2/pins", nil)
	equal(t, "refused", a.body, `{"errors":[{"message":"Device signs in with its key","status":422}]}`)
	equal(t, "another client", b.newDevice("b").user(b.newDevice("b").signIn()), "sim-user-1")

	d = newBox(t, plextvsim.Options{LegacyPin: plextvsim.LegacyPinWithoutToken}).newDevice("a")
	d.moveOver()
	path, code := d.askPin(nil)
	equal(t, "claim", d.sim.Claim(code, ""), nil)
	equal(t, "no token", between(t, d.ask("GET", path, nil).body, `"authToken":`, ","), "null")
	if err := d.sim.Claim(code, ""); !errors.Is(err, plextvsim.ErrNoPin) {
		t.Errorf("claimed twice: %v", err)
	}

	d = newBox(t, plextvsim.Options{LegacyPin: plextvsim.LegacyPinWorks}).newDevice("a")
	d.moveOver()
	equal(t, "works", d.user(d.signIn()), "sim-user-1")
}

func TestRemoveDevice(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other, old := b.newDevice("a"), b.newDevice("b"), b.newDevice("c")
	_, jwt := d.moveOver()
	_, others := other.moveOver()
	legacy := old.signIn()
	equal(t, "removing", errors.Join(b.sim.RemoveDevice(d.client), b.sim.RemoveDevice(old.client)), nil)
	for _, token := range []string{jwt, legacy} {
		equal(t, "user", d.user(token), "Unauthorized"+noUserJSON)
		equal(t, "resources", d.ask("GET", "/api/v2/resources", nil, as(token)...).body, noUserJSON)
	}
	equal(t, "refresh", d.exchange(d.jwt(d.nonce())).body, noKeyJSON)
	equal(t, "another device", other.user(others)+other.user(other.refresh()), "sim-user-1sim-user-1")
	d.clock.Advance(plextvsim.JWTLifetime)
	equal(t, "when expired too", d.user(jwt), http.StatusText(498)+expiredJSON)

	equal(t, "signed in again", d.user(d.signInWithKey()), "sim-user-1")
	d.clock.Advance(-plextvsim.JWTLifetime)
	equal(t, "the old JWT", d.user(jwt), "Unauthorized"+noUserJSON)
	if err := b.sim.RemoveDevice("x"); !errors.Is(err, plextvsim.ErrNoDevice) {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestSignOutWithJWT(t *testing.T) {
	for name, keeps := range map[string]bool{"gone": false, "kept": true} {
		d := newBox(t, plextvsim.Options{SignOutKeepsKey: keeps}).newDevice("a")
		d.moveOver()
		jwt, other := d.refresh(), d.refresh()
		equal(t, name, d.ask("DELETE", "/api/v2/users/signout", nil, as(jwt)...).status, http.StatusNoContent)
		equal(t, name, d.user(jwt)+d.user(other), strings.Repeat("Unauthorized"+noUserJSON, 2))
		want := noKeyJSON
		a := d.exchange(d.jwt(d.nonce()))
		if keeps {
			want, a.body = "sim-user-1", d.user(between(t, a.body, `:"`, `"`))
		}
		equal(t, name, a.body, want)
	}
}

func TestRefusingAJWT(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	_, jwt := d.moveOver()
	other := d.refresh()
	for status, want := range map[int]string{401: noUserJSON, 422: `{"errors":[{"message":"Invalid token","status":422}]}`} {
		equal(t, "refusing", d.sim.Refuse(jwt, status), nil)
		equal(t, "refused", d.user(jwt), http.StatusText(status)+want)
	}
	equal(t, "the other one", d.user(other), "sim-user-1")
	equal(t, "good again", errors.Join(d.sim.Refuse(jwt, 0), d.sim.Revoke(other)), nil)
	equal(t, "good again", d.user(jwt)+d.user(d.refresh()), "sim-user-1sim-user-1")
	equal(t, "revoked", d.user(other), "Unauthorized"+noUserJSON)
	if err := d.sim.Revoke(jwt[:len(jwt)-4]); !errors.Is(err, plextvsim.ErrNoToken) {
		t.Errorf("revoking what is no JWT: %v", err)
	}
}

func TestRotateKeys(t *testing.T) {
	for name, c := range map[string]struct {
		old            plextvsim.OldKeys
		listed         int
		verified, good bool
	}{
		"listed":  {plextvsim.OldKeysListed, 3, true, true},
		"hidden":  {plextvsim.OldKeysHidden, 1, false, true},
		"dropped": {plextvsim.OldKeysDropped, 1, false, false},
	} {
		d := newBox(t, plextvsim.Options{}).newDevice("a")
		_, jwt := d.moveOver()
		d.sim.RotateKeys(c.old)
		keys := d.send("GET", "/api/v2/auth/keys", "").body
		equal(t, name+": listed", strings.Count(keys, `"kid"`), c.listed)
		equal(t, name+": old JWT verifies", d.verified(jwt), c.verified)
		equal(t, name+": old JWT is good", d.user(jwt) == "sim-user-1", c.good)
		fresh := d.refresh()
		equal(t, name+": new JWT verifies", d.verified(fresh), true)
		equal(t, name+": new key", d.part(fresh, 0)["kid"] != d.part(jwt, 0)["kid"], true)
		equal(t, name+": new JWT is good", d.user(fresh), "sim-user-1")
	}
}
