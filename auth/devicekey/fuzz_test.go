// SPDX-License-Identifier: Apache-2.0

package devicekey_test

import (
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func FuzzVerify(f *testing.F) {
	good := signed(goodHeader, claims(nil), plex)
	for _, seed := range []string{
		good, rfcSigned, "..", signed(`{"kid":"new","alg":"EdDSA","crit":["b64"],"b64":false}`, claims(nil), plex),
		signed(`{"kid":"new","alg":"EdDSA","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"},"x5c":["AA"]}`, claims(nil), stranger),
	} {
		f.Add(seed)
	}
	keys := plexKeys(f)
	f.Fuzz(func(t *testing.T, token string) {
		got, err := devicekey.Verify(secret.New(token), keys, expected)
		if err != nil {
			quotesNothing(t, err, token)
			return
		}
		// Nobody has the private key: what passes, plex.tv has signed.
		_, payload := opened(t, token, encode(plex.Public().(ed25519.PublicKey)))
		if body := decodeJSON[map[string]any](t, payload); body["iss"] != "plex.tv" || !got.ExpiresAt.After(now) {
			t.Errorf("%s passed as %+v", payload, got)
		}
	})
}

// FuzzClaims has plex.tv sign any header and any claims. What passes is in order
// by a second reading of it.
func FuzzClaims(f *testing.F) {
	f.Add(goodHeader, claims(nil))
	f.Add(`{"kid":"new","alg":"EdDSA","crit":["exp"],"exp":1}`, claims(map[string]any{"nbf": now.Unix() + 61}))
	f.Add(`{"kid":"old","alg":"EdDSA"}`, claims(map[string]any{"aud": "plex.tv"}))
	f.Add(`{"kid":"new","alg":"none"}`, claims(map[string]any{"exp": 1e300, "user": map[string]any{"id": "4242"}}))
	f.Add(goodHeader, `{"iss":"plex.tv","iss":"x","aud":["plex.tv","3f0c"],"exp":-0,"iat":null,"user":{"id":"12345678901234567890"}}`)
	for claim, values := range map[string][]any{
		"exp": {now.Unix(), -1, "1", nil}, "nbf": {now.Unix() + 61, 0}, "iat": {now.Unix() + 61, 1e300},
		"aud": {"plex.tv", []string{"3f0c"}}, "iss": {"plex", "plex.TV"}, "thumbprint": {nil},
	} {
		for _, value := range values {
			f.Add(goodHeader, claims(map[string]any{claim: value}))
		}
	}
	keys := plexKeys(f)
	f.Fuzz(func(t *testing.T, header, payload string) {
		token := signed(header, payload, plex)
		got, err := devicekey.Verify(secret.New(token), keys, expected)
		if err != nil {
			if got != (devicekey.Claims{}) {
				t.Errorf("%+v with %v", got, err)
			}
			quotesNothing(t, err, token)
			return
		}
		var head struct{ Kid, Alg string }
		var body struct {
			Issuer     string   `json:"iss"`
			Audience   []string `json:"aud"`
			Thumbprint string   `json:"thumbprint"`
			Expires    float64  `json:"exp"`
			Issued     float64  `json:"iat"`
			NotBefore  float64  `json:"nbf"`
		}
		if json.Unmarshal([]byte(header), &head) != nil || head.Kid != "new" || head.Alg != "EdDSA" {
			t.Errorf("the header %q passed", header)
		}
		soon := float64(now.Add(expected.Leeway).Unix() + 1)
		if json.Unmarshal([]byte(payload), &body) != nil || body.Issuer != "plex.tv" || body.Thumbprint != rfcThumbprint ||
			!slices.Contains(body.Audience, "plex.tv") || !slices.Contains(body.Audience, "3f0c") ||
			body.Expires <= float64(now.Unix()) || body.Issued >= soon || body.NotBefore >= soon {
			t.Errorf("%q passed", payload)
		}
		if got.ExpiresAt.Unix() != int64(body.Expires) || got.IssuedAt.After(now.Add(expected.Leeway)) || strings.Trim(got.UserID, "0123456789") != "" {
			t.Errorf("%q passed as %+v", payload, got)
		}
	})
}

func FuzzRestore(f *testing.F) {
	f.Add(rfcThumbprint, rfcPrivate)
	f.Add(rfcThumbprint, rfcPublic)
	f.Add(rfcThumbprint, rfcPrivate+"\n")
	f.Add("", "AA")
	f.Fuzz(func(t *testing.T, kid, private string) {
		key, err := devicekey.Restore(kid, secret.New(private))
		if err != nil {
			if len(private) >= 16 && strings.Contains(err.Error(), private) {
				t.Errorf("%q quotes the key", err)
			}
			return
		}
		if key.ID() != kid || key.Private().Reveal() != private {
			t.Errorf("%q, %q came back as %q, %q", kid, private, key.ID(), key.Private().Reveal())
		}
		token, err := key.DeviceJWT(devicekey.DeviceClaims{ClientID: "3f0c", Now: time.Unix(1, 0)})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, token.Reveal(), decodeJSON[map[string]string](t, key.PublicJWK())["x"])
	})
}

// FuzzParseKeySet takes any answer for plex.tv's keys: a token is only good with
// the key in it that has signed it.
func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[` + publicJWK(plex, "new") + `,{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQ"}]}`))
	f.Add([]byte(`{"keys":[` + publicJWK(stranger, "new") + `,` + publicJWK(plex, "old") + `]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","x5c":["AA"],"x5u":":","x5t":"AA"}]}`))
	token := secret.New(signed(goodHeader, claims(nil), plex))
	public := encode(plex.Public().(ed25519.PublicKey))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := devicekey.ParseKeySet(data)
		if err != nil {
			quotesNothing(t, err, string(data))
			return
		}
		_, err = devicekey.Verify(token, set, expected)
		if escaped := strings.Contains(string(data), `\`); err == nil && !escaped && !strings.Contains(string(data), public[:8]) {
			t.Errorf("without its key a token is good with %q", data)
		}
	})
}
