// SPDX-License-Identifier: Apache-2.0

package legible_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/retune-tv/plexauthd/auth/legible"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Ann É. 家": "Ann É. 家", " a ": " a ",
		"می\u200cخواهم":                      "می\u200cخواهم",
		"👨\u200d👩\u200d👧":                    "👨\u200d👩\u200d👧",
		"a\xffb":                             "a\ufffdb",
		"a\xed\xa0\x80":                      "a\ufffd\ufffd\ufffd", // half of a surrogate pair
		"\ufffe a\uffff":                     "\ufffd a\ufffd",
		"\ufdd0\ufdef\U0001fffe\U0010ffff":   "\ufffd\ufffd\ufffd\ufffd",
		"\ufdcf\ufdf0\ufffd\ufffc":           "\ufdcf\ufdf0\ufffd\ufffc",
		"bell\a\n":                           "bell",
		"a\u0000b\u009bc\u2028d\u2029e\x7ff": "a b c d e f",
		"\x1b[31mred":                        "[31mred",
	} {
		got := legible.Text(text)
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if legible.IsText(text) != (got == text) || !legible.IsText(got) {
			t.Errorf("%q: IsText says %v", text, legible.IsText(text))
		}
	}
}

func TestCut(t *testing.T) {
	for n := range 12 {
		got := legible.Cut("aé家😀", n)
		if len(got) > n || !utf8.ValidString(got) || !strings.HasPrefix("aé家😀", got) || n >= 10 && got != "aé家😀" {
			t.Errorf("at most %d bytes: %q", n, got)
		}
	}
}
