// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// judge is a client's check of a JWT, with as many faults as it is told to have.
func (d *device) judge(jwt string, overlooks string) string {
	header, claims := d.part(jwt, 0), d.part(jwt, 1)
	now := float64(d.clock.Now().Unix())
	number := func(name string) float64 { value, _ := claims[name].(float64); return value }
	audience, _ := claims["aud"].([]any)
	for fault, found := range map[string]bool{
		"alg":        header["alg"] != "EdDSA",
		"signature":  !d.verified(jwt),
		"issuer":     claims["iss"] != "plex.tv",
		"audience":   len(audience) != 2 || audience[0] != "plex.tv" || audience[1] != d.client,
		"thumbprint": claims["thumbprint"] != d.kid,
		"exp":        number("exp") <= now,
		"nbf":        number("nbf") > now,
		"size":       len(jwt) > 8192,
	} {
		if found && !strings.Contains(overlooks, fault) {
			return fault
		}
	}
	return ""
}

func TestBadJWTs(t *testing.T) {
	type verdict struct{ client, plex string } // what is wrong with it, what plex.tv answers
	refused := "Unauthorized" + noUserJSON
	verdicts := map[string]verdict{
		"wrong-issuer":     {"issuer", refused},
		"wrong-audience":   {"audience", refused},
		"wrong-thumbprint": {"thumbprint", "sim-user-1"},
		"no-thumbprint":    {"thumbprint", "sim-user-1"},
		"no-expiry":        {"exp", expiredJSON},
		"expired":          {"exp", expiredJSON},
		"not-yet-valid":    {"nbf", refused},
		"unknown-kid":      {"signature", refused},
		"wrong-signature":  {"signature", refused},
		"alg-none":         {"alg signature", refused},
		"hs256":            {"alg signature", refused},
		"huge":             {"size", "sim-user-1"},
	}
	equal(t, "how many", len(plextvsim.BadJWTs()), len(verdicts))
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	_, good := d.moveOver()
	equal(t, "a good one", d.judge(good, ""), "")
	for name, change := range plextvsim.BadJWTs() {
		d.sim.NextJWT(change)
		jwt := d.refresh()
		want := verdicts[name]
		if found := d.judge(jwt, ""); found == "" || !strings.Contains(want.client, found) {
			t.Errorf("%s: %q is wrong with it, want %q", name, found, want.client)
		}
		equal(t, name+": else it is good", d.judge(jwt, want.client), "")
		equal(t, name+": at plex.tv", d.user(jwt), want.plex)
		equal(t, name+": the older JWT", d.user(good), "sim-user-1")
	}
	equal(t, "afterwards", d.judge(d.refresh(), ""), "")
}

// The public key as a secret is what a client takes it for that lets the JWT choose
// the algorithm.
func TestHS256IsSignedWithThePublicKey(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	d.moveOver()
	var public ed25519.PublicKey
	d.sim.NextJWT(func(jwt *plextvsim.JWT) { public = jwt.PublicKey; plextvsim.BadJWTs()["hs256"](jwt) })
	jwt := d.refresh()
	end := strings.LastIndex(jwt, ".")
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(jwt[:end]))
	equal(t, "signature", jwt[end+1:], base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	keys := d.send("GET", "/api/v2/auth/keys", "").body
	equal(t, "a listed key", strings.Contains(keys, base64.RawURLEncoding.EncodeToString(public)), true)
	equal(t, "no signature without an algorithm", strings.HasSuffix(func() string {
		d.sim.NextJWT(plextvsim.BadJWTs()["alg-none"])
		return d.refresh()
	}(), "."), true)
}

func TestNextJWTsAreAScript(t *testing.T) {
	d := newBox(t, plextvsim.Options{JWTLifetime: time.Hour}).newDevice("a")
	for _, name := range []string{"first", "second"} {
		d.sim.NextJWT(func(jwt *plextvsim.JWT) { jwt.Claims["name"] = name })
	}
	equal(t, "for a PIN", d.part(d.signInWithKey(), 1)["name"], any("first"))
	equal(t, "for a refresh", d.part(d.refresh(), 1)["name"], any("second"))
	equal(t, "afterwards", d.part(d.refresh(), 1)["name"], any(nil))
}

// What is lost is the answer: the JWT was made, the legacy token has ended.
func TestLostAnswer(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	legacy := d.signIn()
	d.register(legacy)
	d.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Lost: true, Times: 1})
	body := `{"jwt":"` + d.jwt(d.nonce()) + `"}`
	_, err := d.try("POST", "/api/v2/auth/token", body, "Content-Type", "application/json", "X-Plex-Client-Identifier", d.client)
	if err == nil {
		t.Error("an answer came")
	}
	equal(t, "the legacy token", d.user(legacy), "Unauthorized"+noUserJSON)
	equal(t, "the next try", d.user(d.refresh()), "sim-user-1")
}
