// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// change is a change to full, and what it does to the state.
type change struct {
	old, new string
	state    func(*statefile.State)
}

func none(*statefile.State) {}

func signsOut(s *statefile.State) { s.Auth, s.Owner, s.Servers = nil, nil, nil }

func userID(text string) func(*statefile.State) {
	return func(s *statefile.State) { s.Auth.UserID = text }
}

func expiresAt(at time.Time) func(*statefile.State) {
	return func(s *statefile.State) { s.Auth.ExpiresAt = at }
}

// readable are values that other programs or people write.
var readable = map[string]change{
	"empty token":        {`token = "` + token + `"`, `token = ""`, signsOut},
	"no token":           {`token = "` + token + `"`, ``, signsOut},
	"no owner's token":   {`token = "adm-Ku55rT"`, ``, func(s *statefile.State) { s.Owner = nil }},
	"no PIN":             {`plex_id = "1234567"`, `plex_id = ""`, func(s *statefile.State) { s.Pairing = nil }},
	"number for text":    {`user_id = "42"`, `user_id = 4242`, userID("4242")},
	"negative number":    {`user_id = "42"`, `user_id = -16`, userID("-16")},
	"fraction for text":  {`user_id = "42"`, `user_id = 4.242e3`, userID("4242")},
	"bool for text":      {`user_id = "42"`, `user_id = true`, userID("true")},
	"instant for text":   {`user_id = "42"`, `user_id = 2026-01-15T12:00:00.5+02:00`, userID("2026-01-15T12:00:00.5+02:00")},
	"date-time for text": {`user_id = "42"`, `user_id = 2026-01-15 12:00:00`, userID("2026-01-15T12:00:00")},
	"date for text":      {`user_id = "42"`, `user_id = 2026-01-15`, userID("2026-01-15")},
	"time for text":      {`user_id = "42"`, `user_id = 12:00:00`, userID("12:00:00")},
	"number for secret":  {`token = "` + token + `"`, `token = 81`, func(s *statefile.State) { s.Auth.Token = secret.New("81") }},
	"number for PIN":     {`plex_id = "1234567"`, `plex_id = 1234567`, none},
	"number client id":   {`"3f0c"`, `30`, func(s *statefile.State) { s.ClientID = "30" }},
	"text for bool":      {`home_admin = true`, `home_admin = "true"`, none},
	"number for bool":    {`home_admin = true`, `home_admin = 1`, none},
	"text for integer":   {`id = 7`, `id = "18446744073709551615"`, func(s *statefile.State) { s.Pairing.ID = 1<<64 - 1 }},
	"fraction integer":   {`id = 7`, `id = 7.0`, none},
	"text for time":      {`= 2026-01-22T12:00:00Z`, `= "2026-01-22T14:00:00+02:00"`, none},
	"space in time":      {`= 2026-01-22T12:00:00Z`, `= "2026-01-22 12:00:00Z"`, none},
	"time without zone":  {`= 2026-01-22T12:00:00Z`, `= 2026-01-22T12:00:00`, none},
	"date for time":      {`= 2026-01-22T12:00:00Z`, `= 2026-01-22`, expiresAt(utc("2026-01-22T00:00:00Z"))},
	"seconds for time":   {`= 2026-01-22T12:00:00Z`, `= 1769083200`, none},
	"no time":            {`= 2026-01-22T12:00:00Z`, `= 0`, expiresAt(time.Time{})},
	"empty time":         {`= 2026-01-22T12:00:00Z`, `= ""`, expiresAt(time.Time{})},
	"text version":       {`version = 1`, `version = "1"`, none},
	"negative version":   {`version = 1`, `version = -1`, none},
	"no version number":  {`version = 1`, `version = "one"`, none},
}

func TestValuesOfAnotherTypeAreRead(t *testing.T) {
	for name, c := range readable {
		t.Run(name, func(t *testing.T) {
			want := fullState()
			c.state(&want)
			for _, b := range []box{newBox(t, strings.Replace(full, c.old, c.new, 1)), newSealedBox(t, strings.Replace(full, c.old, c.new, 1))} {
				b.wantState(want)
				b.save(want)
				b.wantState(want)
				b.wantFiles("state.toml")
			}
		})
	}
}

// unread are values from which nothing can be taken; the key, or its table, is
// what the error names.
var unread = map[string]struct {
	change
	key string
}{
	"list for text":    {change{`user_id = "42"`, `user_id = ["` + token + `"]`, userID("")}, "retune_plex_auth.token.user_id"},
	"table for token":  {change{`token = "` + token + `"`, `token = {a = 1}`, signsOut}, "retune_plex_auth.token.token"},
	"text for bool":    {change{`home_admin = true`, `home_admin = "` + token + `"`, func(s *statefile.State) { s.Auth.HomeAdmin = false }}, "plexauthd_user.home_admin"},
	"fraction":         {change{`id = 7`, `id = 7.5`, func(s *statefile.State) { s.Pairing.ID = 0 }}, "plexauthd_pairing.id"},
	"bool for integer": {change{`wrong = 3`, `wrong = true`, func(s *statefile.State) { s.HomePin.Wrong = 0 }}, "plexauthd_home_pin.wrong"},
	"dotted key":       {change{`wrong = 3`, `wrong.often = 3`, func(s *statefile.State) { s.HomePin.Wrong = 0 }}, "plexauthd_home_pin.wrong"},
	"time of day":      {change{`= 2026-01-22T12:00:00Z`, `= 12:00:00`, expiresAt(time.Time{})}, "retune_plex_auth.token.expires_at"},
	"year 10000":       {change{`= 2026-01-22T12:00:00Z`, `= 9999-12-31T23:00:00-05:00`, expiresAt(time.Time{})}, "retune_plex_auth.token.expires_at"},
	"far future":       {change{`= 2026-01-22T12:00:00Z`, `= 1e300`, expiresAt(time.Time{})}, "retune_plex_auth.token.expires_at"},
	"no table":         {change{full[strings.Index(full, "[plexauthd_home_pin]"):], "[[plexauthd_home_pin]]\nwrong = 3\n", func(s *statefile.State) { s.HomePin = &statefile.HomePin{} }}, "plexauthd_home_pin"},
	"list of tables":   {change{`[retune_plex_auth.token]`, `[[retune_plex_auth.token]]`, signsOut}, "retune_plex_auth.token"},
}

func TestAValueThatCannotBeReadCostsOnlyItself(t *testing.T) {
	for name, c := range unread {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, strings.Replace(full, c.old, c.new, 1))
			want := fullState()
			c.state(&want)
			state, err := b.Load()
			var unread *statefile.UnreadError
			if !errors.As(err, &unread) || strings.Join(unread.Keys, " ") != c.key {
				t.Fatalf("Load: %v, want an *UnreadError that names %s", err, c.key)
			}
			b.wantPlainText(err, b.path, c.key)
			if spelled(state) != spelled(want) {
				t.Errorf("Load() = %s\nwant %s", spelled(state), spelled(want))
			}
			b.save(state)
			b.wantState(want)
		})
	}
}
