package devicekey_test

import (
	"crypto/ed25519"
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

func FuzzRestore(f *testing.F) {
	f.Add(rfcThumbprint, rfcPrivate)
	f.Add(rfcThumbprint, rfcPublic)
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

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[` + publicJWK(plex, "new") + `,{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQ"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","x5c":["AA"],"x5u":":","x5t":"AA"}]}`))
	token := secret.New(signed(goodHeader, claims(nil), plex))
	f.Fuzz(func(t *testing.T, data []byte) {
		if set, err := devicekey.ParseKeySet(data); err == nil {
			_, _ = devicekey.Verify(token, set, expected) // does not panic
		}
	})
}
