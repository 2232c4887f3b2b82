// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestRegisterKeyOnTheWire(t *testing.T) {
	for want, options := range map[string]plextvsim.Options{
		"":                {},
		`{"kid":"kid-a"}`: {KeyBody: `{"kid":"kid-a"}`},
	} {
		d := newBox(t, options).newDevice("a")
		a := d.register(d.signIn())
		equal(t, "status", a.status, http.StatusCreated)
		equal(t, "body", a.body, want)
	}
}

func TestRegisterKeyRefuses(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	token, otherToken := d.signIn(), other.signIn()
	with := func(name string, value any) map[string]any {
		jwk := d.jwk()
		jwk[name] = value
		return map[string]any{"jwk": jwk}
	}
	for name, body := range map[string]any{
		"nothing":       map[string]any{},
		"null":          map[string]any{"jwk": nil},
		"no key":        map[string]any{"jwk": "x"},
		"another type":  with("kty", "RSA"),
		"another curve": with("crv", "X25519"),
		"no kid":        with("kid", ""),
		"short":         with("x", "AAAA"),
		"padded":        with("x", d.jwk()["x"].(string)+"="),
		"encryption":    with("use", "enc"),
		"another alg":   with("alg", "RS256"),
		"private":       with("d", d.jwk()["x"]),
	} {
		equal(t, name, d.ask("POST", "/api/v2/auth/jwk", body, as(token)...).body, malformedJSON)
	}
	good := map[string]any{"jwk": d.jwk()}
	equal(t, "as text", d.ask("POST", "/api/v2/auth/jwk", good, "Content-Type", "text/plain", "X-Plex-Token", token).body, malformedJSON)
	equal(t, "without a token", d.ask("POST", "/api/v2/auth/jwk", good).body, noUserJSON)
	equal(t, "the same with another kid", d.register(token).status, http.StatusCreated)
	equal(t, "again", d.register(token).body, takenJSON)

	other.private = d.private
	equal(t, "somebody else's key", other.register(otherToken).body, takenJSON)
	other = b.newDevice("b")
	other.kid = d.kid
	equal(t, "somebody else's kid", other.register(otherToken).body, takenJSON)
}

// The key and its thumbprint are those of RFC 8037, appendix A.
func TestThumbprint(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	jwk := d.jwk()
	jwk["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	a := d.ask("POST", "/api/v2/auth/jwk", map[string]any{"jwk": jwk}, as(d.signIn())...)
	equal(t, "status", a.status, http.StatusCreated)
	other.kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	equal(t, "its thumbprint as a kid", other.register(other.signIn()).body, takenJSON)
}

func TestKeyBelongsToTheTokensDevice(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	token := d.signIn()
	other.register(token)
	equal(t, "for the device of the header", other.exchange(other.jwt(other.nonce())).body, noKeyJSON)
	other.client = d.client
	equal(t, "for the device of the token", d.user(other.refresh()), "sim-user-1")

	adopted := b.newDevice("c")
	phone := b.sim.AddUser(ann)
	adopted.register(phone)
	equal(t, "with a token of no device", d.user(adopted.refresh()), "ann")
	equal(t, "that token", d.user(phone), "Unauthorized"+noUserJSON)
}

func TestNonce(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.register(d.signIn())
	a := d.ask("GET", "/api/v2/auth/nonce", nil, "Accept", "*/*")
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "content type", a.header.Get("Content-Type"), jsonType)
	first := between(t, a.body, `{"nonce":"`, `"}`)
	d.clock.Advance(plextvsim.NonceLifetime / 2)
	second := d.nonce()
	if first == second || len(first) < 16 {
		t.Errorf("nonces %q and %q", first, second)
	}
	d.clock.Advance(plextvsim.NonceLifetime/2 - 1)
	equal(t, "in the last moment", d.exchange(d.jwt(first)).status, http.StatusOK)
	equal(t, "used", d.exchange(d.jwt(first)).body, nonceJSON)
	d.clock.Advance(plextvsim.NonceLifetime/2 + 1)
	equal(t, "too late", d.exchange(d.jwt(second)).body, nonceJSON)
	third := d.nonce()
	equal(t, "another", d.exchange(d.jwt(third)).status, http.StatusOK)
	equal(t, "none", d.exchange(d.jwt("")).body, nonceJSON)
	equal(t, "unknown", d.exchange(d.jwt("x")).body, nonceJSON)
}

func TestExchangeRefuses(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	d.register(d.signIn())
	other.register(other.signIn())
	now := b.clock.Now()
	for name, c := range map[string]struct {
		header, claim string
		value         any // nil: left out
		body          string
	}{
		"alg none":        {header: "alg", value: "none", body: signatureJSON},
		"alg HS256":       {header: "alg", value: "HS256", body: signatureJSON},
		"no alg":          {header: "alg", body: signatureJSON},
		"another kid":     {header: "kid", value: other.kid, body: signatureJSON},
		"no kid":          {header: "kid", body: signatureJSON},
		"critical":        {header: "crit", value: []string{"b64"}, body: signatureJSON},
		"no audience":     {claim: "aud", body: signatureJSON},
		"wrong audience":  {claim: "aud", value: "plex.example", body: signatureJSON},
		"another's issue": {claim: "iss", value: other.client, body: signatureJSON},
		"nobody's issue":  {claim: "iss", value: "nobody", body: noKeyJSON},
		"no issuer":       {claim: "iss", body: noKeyJSON},
		"expired":         {claim: "exp", value: now.Unix(), body: expiredJSON},
		"not yet valid":   {claim: "nbf", value: now.Unix() + 1, body: signatureJSON},
		"made tomorrow":   {claim: "iat", value: now.Unix() + 61, body: signatureJSON},
		"wrong type":      {claim: "exp", value: "soon", body: signatureJSON},

		"typ left out":      {header: "typ"},
		"list of audiences": {claim: "aud", value: []string{"plex.tv"}},
		"clock a bit fast":  {claim: "iat", value: now.Unix() + 60},
		"never expires":     {claim: "exp"},
		"made at no time":   {claim: "iat"},
		"valid just now":    {claim: "nbf", value: now.Unix()},
	} {
		header, claims := d.header(), d.claims(d.nonce())
		part, key := claims, c.claim
		if c.header != "" {
			part, key = header, c.header
		}
		if delete(part, key); c.value != nil {
			part[key] = c.value
		}
		a := d.exchange(d.sign(header, claims))
		if a.status == http.StatusOK {
			a.body = ""
		}
		equal(t, name, a.body, c.body)
	}
}

func TestExchangeRefusesWhatIsNoJWT(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	d, other := b.newDevice("a"), b.newDevice("b")
	d.register(d.signIn())
	good := d.jwt(d.nonce())
	parts := strings.Split(good, ".")
	other.client, other.kid = d.client, d.kid
	for name, jwt := range map[string]string{
		"no JWT":         "x",
		"no signature":   parts[0] + "." + parts[1] + ".",
		"two parts":      parts[0] + "." + parts[1],
		"not base64url":  parts[0] + "." + parts[1] + ".*",
		"padded":         good + "==",
		"stray bits":     good[:len(good)-1] + string(good[len(good)-1]+1),
		"another key":    other.jwt(d.nonce()),
		"other claims":   parts[0] + "." + encode(d.claims("other")) + "." + parts[2],
		"claims no JSON": parts[0] + ".AAAA." + parts[2],
		"header no JSON": "AAAA." + parts[1] + "." + parts[2],
	} {
		equal(t, name, d.exchange(jwt).body, signatureJSON)
	}
	equal(t, "nothing", d.exchange("").body, malformedJSON)
	equal(t, "as a form", d.send("POST", "/api/v2/auth/token", "jwt="+good).body, malformedJSON)
	equal(t, "from another client", d.send("POST", "/api/v2/auth/token", `{"jwt":"`+good+`"}`, "Content-Type", "application/json").body, signatureJSON)
	equal(t, "the good one, as XML", d.ask("POST", "/api/v2/auth/token", map[string]string{"jwt": good}, "Accept", "-").header.Get("Content-Type"), jsonType)
}

func TestExchangeSwitches(t *testing.T) {
	const status401 = `{"errors":[{"code":1097,"message":"No public key to verify the JWT with","status":401}]}`
	for name, c := range map[string]struct {
		options plextvsim.Options
		claim   string
		value   any
		status  int
		body    string
	}{
		"expired is 401":     {plextvsim.Options{ExpiredStatus: 401}, "exp", 1, 401, noUserJSON},
		"expired, bare":      {plextvsim.Options{BareErrors: true}, "exp", 1, 498, ""},
		"signature, bare":    {plextvsim.Options{BareErrors: true}, "aud", "x", 422, ""},
		"no key, bare":       {plextvsim.Options{BareErrors: true}, "iss", "x", 422, noKeyJSON},
		"no key is 401":      {plextvsim.Options{NoKeyStatus: 401}, "iss", "x", 401, status401},
		"made in the future": {plextvsim.Options{FutureIssuedAt: true}, "iat", 1<<31 - 1, 200, ""},
	} {
		d := newBox(t, c.options).newDevice("a")
		d.register(d.signIn())
		claims := d.claims(d.nonce())
		claims[c.claim] = c.value
		a := d.exchange(d.sign(d.header(), claims))
		equal(t, name, a.status, c.status)
		if a.status != http.StatusOK {
			equal(t, name, a.body, c.body)
		}
	}
}

func TestRefreshAlsoAfterExpiry(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	_, first := d.moveOver()
	d.clock.Advance(400 * 24 * time.Hour)
	equal(t, "expired", d.user(first), expiredJSON)
	second := d.refresh()
	equal(t, "refreshed", d.user(second), "sim-user-1")
	third := d.refresh()
	equal(t, "two in one second differ", second != third, true)
	equal(t, "the older one", d.user(second), "sim-user-1")
}
