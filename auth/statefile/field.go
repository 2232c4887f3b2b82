// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"fmt"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// field ties a key to its place in a State.
type field struct {
	key      string
	at       any  // *string, *secret.String, *bool, *uint64, *time.Time, or an int64 that is always written
	required bool // its absence means that the table was cut off
	optional bool // a text or a secret that is absent while it is empty
}

// value is what the file is to hold for f; nil for nothing.
func (f field) value() any {
	switch at := f.at.(type) {
	case *string:
		if *at == "" && f.optional {
			return nil
		}
		return *at
	case *secret.String:
		if at.IsZero() && f.optional {
			return nil
		}
		return at.Reveal()
	case *bool:
		return *at
	case *uint64:
		// TOML has signed integers only; the upper half becomes negative.
		return int64(*at)
	case *time.Time:
		if at.IsZero() {
			return nil
		}
		return *at
	}
	return f.at
}

// read takes v, as the file holds it, into the State. The error names the
// type, never the value.
func (f field) read(v any) error {
	var ok bool
	want := "a string"
	switch at := f.at.(type) {
	case *string:
		*at, ok = v.(string)
	case *secret.String:
		var text string
		text, ok = v.(string)
		*at = secret.New(text)
	case *bool:
		want = "true or false"
		*at, ok = v.(bool)
	case *uint64:
		var number int64
		want = "an integer"
		number, ok = v.(int64)
		*at = uint64(number)
	case *time.Time:
		want = "a date and time with its zone, in the years 1 to 9999 of UTC"
		*at, ok = instant(v)
	default: // the version, which is checked before anything else is read
		ok = true
	}
	if !ok {
		return fmt.Errorf("not %s", want)
	}
	return nil
}

// instant refuses TOML's dates and times without a zone, and what would have
// no RFC 3339 form once it is in UTC.
func instant(v any) (time.Time, bool) {
	t, ok := v.(time.Time)
	if !ok || isLocal(t) {
		return time.Time{}, false
	}
	t = wholeSeconds(t)
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// isLocal tells TOML's local date-times, dates and times, which the decoder
// marks by the name of the zone only.
func isLocal(t time.Time) bool {
	switch t.Location().String() {
	case "datetime-local", "date-local", "time-local":
		return true
	}
	return false
}
