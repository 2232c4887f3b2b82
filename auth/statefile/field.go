// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// field ties a key to its place in a State.
type field struct {
	key      string
	at       any  // *string, *secret.String, *bool, *uint64, *time.Time, or an int64 that is always written
	optional bool // absent while it is empty or false
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
		if !*at && f.optional {
			return nil
		}
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

// read takes v, as the file holds it, into the State. It reports whether that can
// be read as what f is.
func (f field) read(v any) (ok bool) {
	switch at := f.at.(type) {
	case *string:
		*at, ok = textOf(v)
	case *secret.String:
		var text string
		text, ok = textOf(v)
		*at = secret.New(text)
	case *bool:
		*at, ok = boolOf(v)
	case *uint64:
		*at, ok = countOf(v)
	case *time.Time:
		*at, ok = instantOf(v)
	default: // the version, which is checked before anything else is read
		ok = true
	}
	return ok
}
