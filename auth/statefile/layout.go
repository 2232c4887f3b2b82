package statefile

import (
	"fmt"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// The newest layout that this package knows. An older file, from before the
// layout had a number, has no version key (or 0) and is otherwise the same:
// it is read as it is, and the next Save adds the number.
const version = 1

// The top-level tables.
const (
	authTable    = "retune_plex_auth"
	userTable    = "plexauthd_user"
	pairingTable = "plexauthd_pairing"
)

// section is one table of the document and the keys in it that are ours.
type section struct {
	table  toml.Key // empty for the keys above the first table
	gone   bool     // the whole table is to be absent, sub-tables too
	fields []field
}

// field ties a key to its place in a State.
type field struct {
	key      string
	at       any  // *string, *secret.String, *bool, *uint64, *time.Time, or an int64 that is always written
	required bool // its absence means that the table was cut off
	optional bool // a secret that is absent while it is empty
}

// layout lists our keys in the order of the file, tied to s.
func layout(s *State) []section {
	root := section{fields: []field{{key: "retune_client_id", at: &s.ClientID}}}
	sections := append([]section{root}, authSections(s.Auth)...)
	return append(sections, pairingSection(s.Pairing))
}

func authSections(a *Auth) []section {
	if a == nil {
		return []section{{table: toml.Key{authTable}, gone: true}, {table: toml.Key{userTable}, gone: true}}
	}
	return []section{
		{table: toml.Key{authTable}, fields: []field{
			{key: "version", at: int64(version)},
			{key: "selected_server_id", at: &a.SelectedServerID},
			{key: "selected_server_uri", at: &a.SelectedServerURI},
		}},
		{table: toml.Key{authTable, "token"}, fields: []field{
			{key: "token", at: &a.Token, required: true},
			{key: "user_id", at: &a.UserID},
			{key: "username", at: &a.Username},
			{key: "email", at: &a.Email},
			{key: "thumb", at: &a.Thumb},
			{key: "issued_at", at: &a.IssuedAt},
			{key: "expires_at", at: &a.ExpiresAt},
		}},
		{table: toml.Key{userTable}, fields: []field{
			{key: "uuid", at: &a.UUID},
			{key: "title", at: &a.Title},
			{key: "home_admin", at: &a.HomeAdmin},
			{key: "restricted", at: &a.Restricted},
			{key: "refused_at", at: &a.RefusedAt},
		}},
	}
}

func pairingSection(p *Pairing) section {
	if p == nil {
		return section{table: toml.Key{pairingTable}, gone: true}
	}
	return section{table: toml.Key{pairingTable}, fields: []field{
		{key: "id", at: &p.ID},
		{key: "plex_id", at: &p.PlexID, required: true},
		{key: "code", at: &p.Code},
		{key: "strong", at: &p.Strong},
		{key: "expires_at", at: &p.ExpiresAt},
		{key: "token", at: &p.Token, optional: true},
	}}
}

// path is the full name of a field's key.
func (s section) path(f field) toml.Key {
	return append(append(toml.Key{}, s.table...), f.key)
}

// value is what the file is to hold for f; nil for nothing.
func (f field) value() any {
	switch at := f.at.(type) {
	case *string:
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
