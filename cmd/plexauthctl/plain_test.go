// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"Ann\tÉ.":           "Ann É.",
		"\x1b[31mred\u202e": "\ufffd[31mred\ufffd",
		"می\u200cخواهم":     "می\u200cخواهم",
		"👨\u200d👩\u200d👧":   "👨\u200d👩\u200d👧",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
