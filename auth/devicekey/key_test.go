// SPDX-License-Identifier: Apache-2.0

package devicekey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func TestGeneratedKeysComeBack(t *testing.T) {
	first, err := devicekey.Generate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := devicekey.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if first.ID() == second.ID() || first.Private().Equal(second.Private()) {
		t.Error("two keys are the same")
	}
	if own := thumbprint(t, first.PublicJWK(), "crv", "kty", "x"); own != first.ID() {
		t.Errorf("the id is %s, the thumbprint %s", first.ID(), own)
	}
	back, err := devicekey.Restore(first.ID(), first.Private())
	if err != nil || back.ID() != first.ID() || !back.Private().Equal(first.Private()) ||
		!bytes.Equal(back.PublicJWK(), first.PublicJWK()) {
		t.Errorf("restored %+v, %v", back, err)
	}
}

func TestHalfWrittenKeysAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ kid, private, says string }{
		"nothing":      {"", "", "there is none"},
		"no id":        {"", rfcPrivate, "id is missing"},
		"no key":       {rfcThumbprint, "", "private part is missing"},
		"half a key":   {rfcThumbprint, rfcPrivate[:20], "not 32 bytes"},
		"half an id":   {rfcThumbprint[:20], rfcPrivate, "not the thumbprint"},
		"public part":  {rfcThumbprint, rfcPublic, "not the thumbprint"},
		"too long":     {rfcThumbprint, rfcPrivate + "AAAA", "not 32 bytes"},
		"line break":   {rfcThumbprint, rfcPrivate + "\n", "not 32 bytes"},
		"a byte less":  {rfcThumbprint, "\n" + strings.Repeat("A", 42), "not 32 bytes"},
		"stray bits":   {rfcThumbprint, rfcPrivate[:42] + "B", "not 32 bytes"},
		"other base64": {rfcThumbprint, strings.Replace(rfcPrivate, "_", "/", 1), "not 32 bytes"},
		"another's id": {rfcPublic, rfcPrivate, "not the thumbprint"},
	} {
		key, err := devicekey.Restore(test.kid, secret.New(test.private))
		if err == nil || !strings.Contains(err.Error(), test.says) || key.ID() != "" {
			t.Errorf("%s: %+v, %v; want %q", name, key, err, test.says)
			continue
		}
		if test.private != "" && strings.Contains(err.Error(), test.private) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

func TestDeviceJWT(t *testing.T) {
	key := rfcKey(t)
	const now = 1705785603
	base := map[string]any{"aud": "plex.tv", "iss": "3f0c", "iat": float64(now), "exp": float64(now + 300)}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	for name, test := range map[string]struct {
		claims devicekey.DeviceClaims
		want   map[string]any
	}{
		"for a PIN": {devicekey.DeviceClaims{}, base},
		"for a token": {devicekey.DeviceClaims{Nonce: secret.New("7c415b56"), Scope: []string{"username", "email"}},
			with(map[string]any{"nonce": "7c415b56", "scope": "username,email"})},
	} {
		test.claims.ClientID, test.claims.Now = "3f0c", time.Unix(now, 999)
		token, err := key.DeviceJWT(test.claims)
		if err != nil {
			t.Fatal(err)
		}
		header, payload := opened(t, token.Reveal(), rfcPublic)
		if got := decodeJSON[map[string]any](t, header); !maps.Equal(got, map[string]any{"alg": "EdDSA", "kid": rfcThumbprint, "typ": "JWT"}) {
			t.Errorf("%s: header %s", name, header)
		}
		if got := decodeJSON[map[string]any](t, payload); !maps.Equal(got, test.want) {
			t.Errorf("%s: claims %s", name, payload)
		}
	}
}

func TestNothingIsSignedByHalves(t *testing.T) {
	whole := devicekey.DeviceClaims{ClientID: "3f0c", Now: time.Unix(1, 0)}
	nobody, never := whole, whole
	nobody.ClientID, never.Now = "", time.Time{}
	for name, sign := range map[string]func() (secret.String, error){
		"no key":    func() (secret.String, error) { return devicekey.Key{}.DeviceJWT(whole) },
		"no client": func() (secret.String, error) { return rfcKey(t).DeviceJWT(nobody) },
		"no time":   func() (secret.String, error) { return rfcKey(t).DeviceJWT(never) },
	} {
		if token, err := sign(); err == nil || !token.IsZero() {
			t.Errorf("%s: %q, %v", name, token.Reveal(), err)
		}
	}
	if none := (devicekey.Key{}); none.ID() != "" || none.PublicJWK() != nil || !none.Private().IsZero() {
		t.Error("the zero value is a key")
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	key := rfcKey(t)
	claims := devicekey.DeviceClaims{ClientID: "3f0c", Nonce: secret.New("7c415b56-8f48"), Now: time.Unix(1, 0)}
	token, err := key.DeviceJWT(claims)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, key, &key, claims, token)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", key, "claims", claims, "token", token)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", key, "claims", claims, "token", token)
	if err := json.NewEncoder(&out).Encode([]any{key, claims, token}); err != nil {
		t.Fatal(err)
	}
	raw := decode(t, rfcPrivate)
	for _, hidden := range []string{
		rfcPrivate, string(raw), fmt.Sprintf("%x", raw[:8]), strings.Trim(fmt.Sprint(raw[:6]), "[]"), "7c415b56-8f48", token.Reveal(),
	} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("%q was printed: %s", hidden, out.String())
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing was printed at all")
	}
}
