// SPDX-License-Identifier: Apache-2.0

package devicekey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

func TestKeySets(t *testing.T) {
	good := publicJWK(plex, "new")
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	list := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	for name, test := range map[string]struct {
		text string
		says string // "" if it is good
	}{
		"one":             {list(good), ""},
		"bare":            {list(with(`,"use":"sig","alg":"EdDSA"`, "")), ""},
		"other members":   {`{"issued":1,` + list(with(`{`, `{"x-new":[1],`))[1:], ""},
		"others ignored":  {list(`{"kty":"EC"}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, `{"kty":"new"}`, `7`, `null`, `{}`, good), ""},
		"odd of its kind": {list(`{"kty":"OKP","crv":"Ed25519"}`, with(`"x":"`, `"x":"AA`), with(`"x":"`, `"x":7,"y":"`), good), ""},
		"none":            {list(), "no Ed25519 key"},
		"no list":         {`{}`, "no Ed25519 key"},
		"null":            {`null`, "no Ed25519 key"},
		"a list":          {`[` + good + `]`, "not a JSON object"},
		"a page":          {`<html>`, "not a JSON object"},
		"cut off":         {list(good)[:60], "not a JSON object"},
		"other curve":     {list(with("Ed25519", "X25519")), "no Ed25519 key"},
		"for encryption":  {list(with(`"sig"`, `"enc"`)), "no Ed25519 key"},
		"other algorithm": {list(with(`"EdDSA"`, `"HS256"`)), "no Ed25519 key"},
		"symmetric":       {list(`{"kty":"oct","kid":"new","k":"AAAA"}`), "no Ed25519 key"},
		"private":         {list(fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"new","x":"%s","d":"%s"}`, rfcPublic, rfcPrivate)), "no Ed25519 key"},
		"weak":            {list(fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"new","x":"%s"}`, strings.Repeat("A", 43))), "no Ed25519 key"},
		"large":           {list(good) + strings.Repeat(" ", 64<<10), "larger than 64 KiB"},
	} {
		set, err := devicekey.ParseKeySet([]byte(test.text))
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v, want %q", name, err, test.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := devicekey.Verify(secret.New(signed(goodHeader, claims(nil), plex)), set, expected); err != nil {
			t.Errorf("%s: a good token: %v", name, err)
		}
	}
}
