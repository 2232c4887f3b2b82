// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"slices"
	"testing"
)

// TestNamesAreThoseOfTheDecoder compares the short way of nameOf with the long one.
func TestNamesAreThoseOfTheDecoder(t *testing.T) {
	for _, text := range []string{
		"key = 1\n", "key=1", " \tk-_9\t = \"a = b\" # c\n", "\ufeffkey = 1",
		"1234 = 1\n", "k = [\n 1,\n 2]\n", "k = '[x]'\n",
		"[table]\n", " [a.b-c.1] # with a comment ]\n",
		`"key" = 1`, "'a=b' = 1", "a.b = 1", "a . b = 1", `"" = 1`,
		"[ table ]\n", "[a . b]\n", `["a]b"]`, "['a'.b]", "[[list]]\n",
	} {
		name, err := nameOf(text)
		_, keys, decodeErr := decode(text)
		if err != nil || decodeErr != nil || !slices.Equal(name, keys[0]) {
			t.Errorf("%q: name %q, %v; the decoder has %q, %v", text, name, err, keys, decodeErr)
		}
	}
}
