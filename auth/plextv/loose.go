// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/legible"
)

// loose is a JSON value whose type is not relied on: plex.tv has sent the same
// fields as numbers, strings and lists, booleans as 0 and "1". A list or an object
// has no text.
type loose struct {
	_    [0]func() // never compared: the program is smaller without the code for it
	text string
	form byte // first byte of the JSON value, 0 if there was none
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *loose) UnmarshalJSON(raw []byte) error {
	*l = loose{form: raw[0]}
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, &l.text)
	case 'n', '{', '[':
	default:
		l.text = whole(string(raw))
	}
	return nil
}

// whole spells a number without a fraction in one way: 7.0 and 7e0 are 7, so that an
// id stays the same id. Other values are as they were.
func whole(number string) string {
	const exact = 1 << 53 // up to here a float64 holds each integer
	if n, err := strconv.ParseFloat(number, 64); err == nil && strings.ContainsAny(number, ".eE") &&
		n == math.Trunc(n) && math.Abs(n) <= exact {
		return strconv.FormatInt(int64(n), 10)
	}
	return number
}

// absent tells that there is no such field, or that it is null.
func (l loose) absent() bool { return l.form == 0 || l.form == 'n' }

func (l loose) truth() bool { return l.text == "true" || l.text == "1" }

// known tells that truth is what plex.tv has said.
func (l loose) known() bool {
	switch l.text {
	case "true", "false", "1", "0":
		return true
	}
	return false
}

// word returns a string or number without the space around it, of at most limit bytes
// and without control characters; "" if there is none. Ids, addresses and tokens are
// words.
func (l loose) word(field string, limit int) (string, error) {
	text := strings.TrimSpace(l.text)
	switch {
	case l.absent():
		return "", nil
	case l.form == '{' || l.form == '[' || l.form == 't' || l.form == 'f':
		return "", fmt.Errorf("field %s is not a text", field)
	case len(text) > limit:
		return "", fmt.Errorf("field %s is longer than %d bytes", field, limit)
	case !legible.IsText(l.text):
		return "", fmt.Errorf("field %s has control characters", field)
	}
	return text, nil
}

// name returns a string or number as a text that can be shown, cut at limit bytes;
// readable is false for anything else.
func (l loose) name(limit int) (name string, readable bool) {
	switch l.form {
	case '{', '[', 't', 'f':
		return "", false
	}
	return strings.TrimSpace(legible.Cut(legible.Text(l.text), limit)), true
}

// seconds returns a duration within [0, longest], and false if it is no number.
func (l loose) seconds(longest time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(l.text, 64)
	if err != nil || n != n {
		return 0, false
	}
	return time.Duration(max(0, min(n, longest.Seconds())) * float64(time.Second)), true
}
