// SPDX-License-Identifier: Apache-2.0

package devicekey_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// plex is plex.tv's key in these tests, made and used with the standard
// library alone; stranger is somebody else's.
var (
	plex     = ed25519.NewKeyFromSeed([]byte(strings.Repeat("p", 32)))
	stranger = ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32)))
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

var expected = devicekey.Expect{ClientID: "3f0c", Thumbprint: rfcThumbprint, Now: now, Leeway: time.Minute}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func publicJWK(key ed25519.PrivateKey, kid string) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"%s","kid":"%s","use":"sig","alg":"EdDSA"}`,
		encode(key.Public().(ed25519.PublicKey)), kid)
}

func keySet(t testing.TB, keys ...string) devicekey.KeySet {
	t.Helper()
	set, err := devicekey.ParseKeySet([]byte(`{"keys":[` + strings.Join(keys, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// plexKeys is a set from the middle of a rotation.
func plexKeys(t testing.TB) devicekey.KeySet {
	return keySet(t, publicJWK(stranger, "old"), publicJWK(plex, "new"))
}

// signed makes a token of these texts, signed with key.
func signed(header, payload string, key ed25519.PrivateKey) string {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(ed25519.Sign(key, []byte(input)))
}

const goodHeader = `{"kid":"new","typ":"JWT","alg":"EdDSA"}`

// claims are those of a good token, some changed; nil takes one away.
func claims(change map[string]any) string {
	all := map[string]any{
		"iss": "plex.tv", "aud": []string{"plex.tv", "3f0c"}, "thumbprint": rfcThumbprint,
		"iat": now.Unix(), "exp": now.Add(7 * 24 * time.Hour).Unix(), "user": map[string]any{"id": 4242},
	}
	maps.Copy(all, change)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// refused fails unless token is refused with an error that says so and quotes
// nothing of it.
func refused(t *testing.T, name, token string, want devicekey.Expect, says string) error {
	t.Helper()
	got, err := devicekey.Verify(secret.New(token), plexKeys(t), want)
	if err == nil || got != (devicekey.Claims{}) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %+v, %v; want %q", name, got, err, says)
		return err
	}
	quotesNothing(t, err, token)
	return err
}

// quotesNothing looks for parts of the token and of what is encoded in it.
func quotesNothing(t *testing.T, err error, token string) {
	t.Helper()
	for _, text := range append(strings.Split(token, "."), rfcThumbprint) {
		raw, _ := base64.RawURLEncoding.DecodeString(text)
		for _, part := range []string{text, string(raw)} {
			for i := 0; i+16 <= len(part); i++ {
				if window := part[i : i+16]; !strings.Contains(window, " ") && strings.Contains(err.Error(), window) {
					t.Fatalf("%q quotes %q", err, window)
				}
			}
		}
	}
}

func TestGoodTokens(t *testing.T) {
	week := now.Add(7 * 24 * time.Hour)
	full := devicekey.Claims{ExpiresAt: week, IssuedAt: now, UserID: "4242"}
	nobody, undated := full, full
	nobody.UserID, undated.IssuedAt = "", time.Time{}
	for name, test := range map[string]struct {
		change map[string]any
		want   devicekey.Claims
	}{
		"as documented":     {nil, full},
		"more audiences":    {map[string]any{"aud": []string{"x", "3f0c", "plex.tv"}, "scope": "email"}, full},
		"fractions":         {map[string]any{"exp": float64(week.Unix()) + 0.5}, full},
		"a minute ahead":    {map[string]any{"nbf": now.Unix() + 60}, full},
		"not dated":         {map[string]any{"iat": nil}, undated},
		"id as text":        {map[string]any{"user": map[string]any{"id": "4242"}}, full},
		"no user":           {map[string]any{"user": nil}, nobody},
		"odd user":          {map[string]any{"user": "ann"}, nobody},
		"id with a point":   {map[string]any{"user": map[string]any{"id": 1.5}}, nobody},
		"id of many digits": {map[string]any{"user": map[string]any{"id": json.Number(strings.Repeat("1", 21))}}, nobody},
	} {
		got, err := devicekey.Verify(secret.New(signed(goodHeader, claims(test.change), plex)), plexKeys(t), expected)
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, test.want)
		}
	}
	last := expected
	last.Now = week.Add(-1)
	if _, err := devicekey.Verify(secret.New(signed(goodHeader, claims(nil), plex)), plexKeys(t), last); err != nil {
		t.Errorf("just before its end: %v", err)
	}
}

func TestBadClaims(t *testing.T) {
	for name, test := range map[string]struct {
		claim string
		value any
		says  string
	}{
		"no issuer":        {"iss", nil, "not issued by plex.tv"},
		"our own":          {"iss", "3f0c", "not issued by plex.tv"},
		"no audience":      {"aud", nil, "not meant for plex.tv"},
		"other audience":   {"aud", []string{"plex.tv", "another"}, "not meant for this client"},
		"client alone":     {"aud", []string{"3f0c"}, "not meant for plex.tv"},
		"text audience":    {"aud", "plex.tv", "cannot be read"},
		"no thumbprint":    {"thumbprint", nil, "not bound to this device key"},
		"wrong thumbprint": {"thumbprint", rfcPublic, "not bound to this device key"},
		"no end":           {"exp", nil, "does not say when it expires"},
		"no number":        {"exp", "soon", "cannot be read"},
		"below zero":       {"exp", -1, "does not say when it expires"},
		"never":            {"exp", json.Number("1e300"), "does not say when it expires"},
		"beyond a number":  {"exp", json.Number("1e999"), "cannot be read"},
		"just over":        {"exp", now.Unix() - 60, "expired at 2026-01-15T11:59:00Z"},
		"long over":        {"exp", 1, "expired at 1970-01-01T00:00:01Z"},
		"not yet":          {"nbf", now.Unix() + 61, "not valid before 2026-01-15T12:01:01Z"},
		"of the future":    {"iat", now.Unix() + 61, "not valid before 2026-01-15T12:01:01Z"},
		"no date":          {"iat", json.Number("1e300"), "an invalid time"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, name, signed(goodHeader, claims(map[string]any{test.claim: test.value}), plex), expected, test.says)
		})
	}
	// What the caller forgot must not match what the token leaves out.
	noClient, noKey := expected, expected
	noClient.ClientID, noKey.Thumbprint = "", ""
	refused(t, "no client", signed(goodHeader, claims(map[string]any{"aud": []string{"plex.tv", ""}}), plex), noClient, "not meant for this client")
	refused(t, "no key", signed(goodHeader, claims(map[string]any{"thumbprint": nil}), plex), noKey, "not bound to this device key")
}

func TestBadSignatures(t *testing.T) {
	good := signed(goodHeader, claims(nil), plex)
	input, signature := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.')+1:]
	body := strings.Split(good, ".")[1]
	hs := encode([]byte(`{"kid":"new","typ":"JWT","alg":"HS256"}`)) + "." + body
	mac := hmac.New(sha256.New, plex.Public().(ed25519.PublicKey))
	mac.Write([]byte(hs))
	embedded := fmt.Sprintf(`{"kid":"new","alg":"EdDSA","jwk":%s}`, publicJWK(stranger, "new"))
	for name, test := range map[string]struct{ token, says string }{
		"alg none":           {encode([]byte(`{"kid":"new","alg":"none"}`)) + "." + body + ".", "not signed with EdDSA"},
		"alg none, signed":   {signed(`{"kid":"new","alg":"none"}`, claims(nil), plex), "not signed with EdDSA"},
		"HS256, public key":  {hs + "." + encode(mac.Sum(nil)), "not signed with EdDSA"},
		"alg in lower case":  {signed(`{"kid":"new","alg":"eddsa"}`, claims(nil), plex), "not signed with EdDSA"},
		"half a signature":   {input + "." + signature[:40], "its signature is wrong"},
		"signed by another":  {signed(goodHeader, claims(nil), stranger), "its signature is wrong"},
		"old key's name":     {signed(`{"kid":"old","alg":"EdDSA"}`, claims(nil), plex), "its signature is wrong"},
		"brings its own key": {signed(embedded, claims(nil), stranger), "its signature is wrong"},
		"changed claims":     {strings.Replace(good, body, encode([]byte(claims(map[string]any{"exp": 9e9}))), 1), "its signature is wrong"},
		"no kid":             {signed(`{"alg":"EdDSA"}`, claims(nil), plex), "does not name the key"},
		"kid is a number":    {signed(`{"alg":"EdDSA","kid":7}`, claims(nil), plex), "not a signed token"},
		"unknown crit":       {signed(`{"kid":"new","alg":"EdDSA","crit":["x"],"x":1}`, claims(nil), plex), "its signature is wrong"},
		"header is no JSON":  {signed(`kid`, claims(nil), plex), "not a signed token"},
		"claims are no JSON": {signed(goodHeader, claims(nil)[1:], plex), "cannot be read"},
		"opaque, as before":  {"Zx81aQ77fLm2sTq9yXwE", "not a signed token"},
		"empty":              {"", "not a signed token"},
		"dots":               {"..", "not signed with EdDSA"},
		"line break":         {good + "\n", "not a signed token"},
		"line break inside":  {strings.Replace(good, ".", ".\n", 1), "not a signed token"},
		"huge, well signed":  {signed(goodHeader, claims(map[string]any{"x": strings.Repeat("A", 8<<10)}), plex), "longer than 8 KiB"},
		"deeply nested":      {signed(goodHeader, strings.Repeat("[", 5000), plex), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := refused(t, name, test.token, expected, test.says); errors.Is(err, devicekey.ErrUnknownKey) {
				t.Errorf("%v asks for other keys", err)
			}
		})
	}
}

func TestUnknownKeyIsToldApart(t *testing.T) {
	unknown := signed(`{"kid":"next","alg":"EdDSA"}`, claims(nil), plex)
	if err := refused(t, "unknown", unknown, expected, "has not shown"); !errors.Is(err, devicekey.ErrUnknownKey) {
		t.Errorf("%v is not ErrUnknownKey", err)
	}
	if _, err := devicekey.Verify(secret.New(unknown), devicekey.KeySet{}, expected); !errors.Is(err, devicekey.ErrUnknownKey) {
		t.Errorf("without keys: %v", err)
	}
	if _, err := devicekey.Verify(secret.New(unknown), keySet(t, publicJWK(plex, "next")), expected); err != nil {
		t.Errorf("with the next keys: %v", err)
	}
	nameless := strings.Replace(publicJWK(plex, ""), `"kid":"",`, "", 1)
	if _, err := devicekey.Verify(secret.New(unknown), keySet(t, nameless), expected); err != nil {
		t.Errorf("with a key that has no id: %v", err)
	}
	forged := signed(`{"kid":"next","alg":"EdDSA"}`, claims(nil), stranger)
	if _, err := devicekey.Verify(secret.New(forged), keySet(t, nameless), expected); !errors.Is(err, devicekey.ErrUnknownKey) {
		t.Errorf("with another key that has no id: %v", err)
	}
	twins := keySet(t, publicJWK(stranger, "next"), publicJWK(plex, "next"))
	if _, err := devicekey.Verify(secret.New(unknown), twins, expected); err != nil {
		t.Errorf("with two keys of one id: %v", err)
	}
}
