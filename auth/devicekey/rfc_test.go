// SPDX-License-Identifier: Apache-2.0

package devicekey_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// The key of RFC 8037, appendix A.1 to A.3.
const (
	rfcPrivate    = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	rfcPublic     = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	rfcThumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
)

// rfcSigned is appendix A.4, signed with that key. It names no key.
const rfcSigned = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
	"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

func rfcKey(t testing.TB) devicekey.Key {
	t.Helper()
	key, err := devicekey.Restore(rfcThumbprint, secret.New(rfcPrivate))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return data
}

func decodeJSON[T any](t testing.TB, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// opened checks a signature with the standard library alone.
func opened(t testing.TB, token, x string) (header, payload []byte) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts in %q", len(parts), token)
	}
	if !ed25519.Verify(decode(t, x), []byte(parts[0]+"."+parts[1]), decode(t, parts[2])) {
		t.Fatalf("the signature of %q is wrong", token)
	}
	return decode(t, parts[0]), decode(t, parts[1])
}

// thumbprint is RFC 7638 with the standard library alone: the hash of the
// members that are required, in the order of their names.
func thumbprint(t testing.TB, jwk []byte, required ...string) string {
	t.Helper()
	all, kept := decodeJSON[map[string]any](t, jwk), map[string]any{}
	for _, name := range required {
		kept[name] = all[name]
	}
	canonical, err := json.Marshal(kept) // sorts by name
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestOurOwnChecksFollowTheRFCs(t *testing.T) {
	if _, payload := opened(t, rfcSigned, rfcPublic); string(payload) != "Example of Ed25519 signing" {
		t.Errorf("RFC 8037 A.4: %s", payload)
	}
	// RFC 7638, section 3.1.
	const rsa = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	if got := thumbprint(t, []byte(rsa), "e", "kty", "n"); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("RFC 7638: %s", got)
	}
}

func TestKeyOfRFC8037(t *testing.T) {
	key := rfcKey(t)
	if key.ID() != rfcThumbprint || key.Private().Reveal() != rfcPrivate {
		t.Errorf("id %s, private %s", key.ID(), key.Private().Reveal())
	}
	want := map[string]string{
		"kty": "OKP", "crv": "Ed25519", "x": rfcPublic, "kid": rfcThumbprint, "use": "sig", "alg": "EdDSA",
	}
	got := decodeJSON[map[string]string](t, key.PublicJWK())
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the public key has more than it should: %v", got)
	}
	// A.4: what our private part signs is what the RFC's does.
	input, signature := rfcSigned[:strings.LastIndexByte(rfcSigned, '.')], rfcSigned[strings.LastIndexByte(rfcSigned, '.')+1:]
	made := ed25519.Sign(ed25519.NewKeyFromSeed(decode(t, key.Private().Reveal())), []byte(input))
	if !bytes.Equal(made, decode(t, signature)) {
		t.Error("another signature than in RFC 8037")
	}
}

func TestTokensOfRFC7515AreRefused(t *testing.T) {
	const payload = ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	for name, test := range map[string]struct{ token, says string }{
		"A.1 HS256": {"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + payload + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "not signed with EdDSA"},
		"A.3 ES256": {"eyJhbGciOiJFUzI1NiJ9" + payload + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", "not signed with EdDSA"},
		"A.5 none":  {"eyJhbGciOiJub25lIn0" + payload, "not signed with EdDSA"},
		"appendix E": {"eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.",
			"not signed with EdDSA"},
		"8037 A.4": {rfcSigned, "does not name the key"},
	} {
		refused(t, name, test.token, expected, test.says)
	}
}
