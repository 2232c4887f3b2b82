// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func TestParseKey(t *testing.T) {
	b := newSealedBox(t, "")
	b.save(fullState())
	in16, in64 := hex.EncodeToString([]byte(rawKey)), base64.StdEncoding.EncodeToString([]byte(rawKey))
	for _, text := range []string{rawKey, rawKey + "\n", in16, in16 + "\n", strings.ToUpper(in16), in64, in64 + "\n"} {
		b.unlock(key(t, text)).wantState(fullState())
	}
}

func TestWhatIsNoKey(t *testing.T) {
	in64 := base64.StdEncoding.EncodeToString([]byte(rawKey))
	for _, text := range []string{
		"", "\n", rawKey[:31], rawKey + " ", rawKey + "\n\n", strings.Repeat("g", 64), strings.Repeat("!", 44),
		in64[:43] + "\n", strings.Repeat("\n", 12) + strings.Repeat("A", 32), strings.Repeat("a", 1<<20),
	} {
		_, err := statefile.ParseKey(secret.New(text))
		want := fmt.Sprintf("%d bytes are not a key: a key is 32 bytes as they are, 64 hex digits or 44 characters of base64", len(text))
		if err == nil || err.Error() != want {
			t.Errorf("a key of %d bytes: %v, want %s", len(text), err, want)
		}
	}
}

func TestAKeyDoesNotPrint(t *testing.T) {
	k := key(t, strings.Repeat("k", 32))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{k, &k, struct{ k statefile.Key }{k}} {
			shown := fmt.Sprintf(verb, v)
			if strings.Contains(shown, "kkk") || strings.Contains(shown, "6b6b") || strings.Contains(shown, "107 107") || strings.Contains(shown, "1802201963") {
				t.Errorf("%s prints a key as %s", verb, shown)
			}
		}
	}
}
