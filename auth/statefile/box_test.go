// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const token = "tok-Zx81aQ-secret"

// Device keys: that of RFC 8037, appendix A, and one whose seed is all zeroes.
const (
	kid, private           = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	otherKid, otherPrivate = "9ZP03Nu8GrXPAUkbKNxHOKBzxPX83SShgFkRNK-f2lw", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

// secretKeys are the secrets of fullState in the order of the file: the names
// of their keys, and what gives each away.
var secretKeys = []struct{ name, text string }{
	{"retune_plex_auth.token.token", token},
	{"plexauthd_pairing.plex_id", "1234567"},
	{"plexauthd_pairing.token", "claimed-Qx77"},
	{"plexauthd_pairing.private_key", otherPrivate},
	{"retune_device_key.private_key", private},
	{"plexauthd_home.token", "adm-Ku55rT"},
}

// firstRelease is how the first release left a file: what was added later is
// absent.
const firstRelease = `retune_client_id = "3f0c"

[retune_plex_auth]
version = 1
selected_server_id = "machine"
selected_server_uri = "https://10-0-0-2.plex.direct:32400"

[retune_plex_auth.token]
token = "tok-Zx81aQ-secret"
user_id = "42"
username = "ann"
email = "ann@example.org"
thumb = "https://plex.tv/users/1/avatar"
issued_at = 2026-01-15T12:00:00Z
expires_at = 2026-01-22T12:00:00Z

[plexauthd_user]
uuid = "9f3b"
title = "Ann"
home_admin = true
restricted = false
refused_at = 2026-01-16T08:30:00Z

[plexauthd_pairing]
id = 7
plex_id = "1234567"
code = "AB12"
strong = true
expires_at = 2026-01-15T12:05:00Z
token = "claimed-Qx77"
`

// full is how fullState lies on disk.
const full = firstRelease + `client_id = "before"
kid = "` + otherKid + `"
private_key = "` + otherPrivate + `"

[retune_device_key]
kid = "` + kid + `"
private_key = "` + private + `"
created_at = 2026-01-14T09:00:00Z

[plexauthd_home]
selected_server_id = "other machine"
selected_server_uri = "https://10-0-0-3.plex.direct:32400"
token = "adm-Ku55rT"
user_id = "41"
username = "mum"
email = "mum@example.org"
thumb = "https://plex.tv/users/2/avatar"
issued_at = 2026-01-13T12:00:00Z
expires_at = 2026-01-20T12:00:00Z
uuid = "8e2a"
title = "Mum"
home_admin = true
restricted = false
refused_at = 2026-01-17T08:30:00Z

[plexauthd_home_pin]
wrong = 3
retry_at = 2026-01-15T12:20:00Z
`

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// firstState is what firstRelease holds.
func firstState() statefile.State {
	s := fullState()
	s.Pairing.ClientID, s.Pairing.Kid, s.Pairing.PrivateKey = "", "", secret.String{}
	return statefile.State{ClientID: s.ClientID, Auth: s.Auth, Pairing: s.Pairing}
}

func fullState() statefile.State {
	return statefile.State{
		ClientID:  "3f0c",
		DeviceKey: &statefile.DeviceKey{Kid: kid, PrivateKey: secret.New(private), CreatedAt: utc("2026-01-14T09:00:00Z")},
		Auth: &statefile.Auth{
			SelectedServerID: "machine", SelectedServerURI: "https://10-0-0-2.plex.direct:32400",
			Token: secret.New(token), UserID: "42", Username: "ann", Email: "ann@example.org",
			Thumb:    "https://plex.tv/users/1/avatar",
			IssuedAt: utc("2026-01-15T12:00:00Z"), ExpiresAt: utc("2026-01-22T12:00:00Z"),
			UUID: "9f3b", Title: "Ann", HomeAdmin: true,
			RefusedAt: utc("2026-01-16T08:30:00Z"),
		},
		Owner: &statefile.Auth{
			SelectedServerID: "other machine", SelectedServerURI: "https://10-0-0-3.plex.direct:32400",
			Token: secret.New("adm-Ku55rT"), UserID: "41", Username: "mum", Email: "mum@example.org",
			Thumb:    "https://plex.tv/users/2/avatar",
			IssuedAt: utc("2026-01-13T12:00:00Z"), ExpiresAt: utc("2026-01-20T12:00:00Z"),
			UUID: "8e2a", Title: "Mum", HomeAdmin: true,
			RefusedAt: utc("2026-01-17T08:30:00Z"),
		},
		Pairing: &statefile.Pairing{
			ID: 7, PlexID: secret.New("1234567"), Code: "AB12", Strong: true,
			ExpiresAt: utc("2026-01-15T12:05:00Z"), Token: secret.New("claimed-Qx77"),
			ClientID: "before", Kid: otherKid, PrivateKey: secret.New(otherPrivate),
		},
		HomePin: &statefile.HomePin{Wrong: 3, RetryAt: utc("2026-01-15T12:20:00Z")},
	}
}

func signedOut() statefile.State { return statefile.State{ClientID: "3f0c"} }

// box is a state file in a directory of its own.
type box struct {
	testing.TB
	dir, path string
	*statefile.File
}

func newBox(t testing.TB, text string) box {
	t.Helper()
	dir := t.TempDir()
	b := box{TB: t, dir: dir, path: filepath.Join(dir, "state.toml")}
	b.File = statefile.Open(b.path, clockwork.NewFakeClockAt(utc("2026-01-15T12:00:00Z")))
	if text != "" {
		b.write(text)
	}
	return b
}

func (b box) write(text string) {
	b.Helper()
	if err := os.WriteFile(b.path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

func (b box) text() string {
	b.Helper()
	data, err := os.ReadFile(b.path)
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

func (b box) save(s statefile.State) {
	b.Helper()
	if err := b.Save(s); err != nil {
		b.Fatalf("Save: %v", err)
	}
}

func (b box) wantState(want statefile.State) {
	b.Helper()
	got, err := b.Load()
	if err != nil {
		b.Fatalf("Load: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		b.Errorf("Load() = %s\nwant %s", spelled(got), spelled(want))
	}
}

// spelled shows what the pointers in s point to, secrets as [redacted].
func spelled(s statefile.State) string {
	return fmt.Sprintf("%q %+v %+v %+v %+v %+v %+v", s.ClientID, s.DeviceKey, s.Auth, s.Owner, s.Pairing, s.Servers, s.HomePin)
}

func (b box) wantText(want string) {
	b.Helper()
	if got := b.text(); got != want {
		b.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

// wantFiles wants these files in the directory. A spare file may be there, too, which
// only ext4 has.
func (b box) wantFiles(names ...string) {
	b.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		if entry.Name() != spareName {
			got = append(got, entry.Name())
		}
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		b.Errorf("files in the directory: %q, want %q", got, names)
	}
}

// wantWriteError saves s and wants it to fail.
func (b box) wantWriteError(s statefile.State) *statefile.WriteError {
	b.Helper()
	var failed *statefile.WriteError
	if err := b.Save(s); !errors.As(err, &failed) || failed.Op == "" || failed.Path == "" || failed.Err == nil {
		b.Fatalf("Save: %#v, want a *WriteError with operation, path and reason", err)
	}
	b.wantPlainText(failed, failed.Op, failed.Path)
	return failed
}

// wantPlainText wants err to say what it must and nothing from the file.
func (b box) wantPlainText(err error, says ...string) {
	b.Helper()
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			b.Errorf("%q does not say %q", err, part)
		}
	}
	for ; err != nil; err = errors.Unwrap(err) {
		text := fmt.Sprintf("%+v %#v", err, err)
		for _, key := range secretKeys {
			if strings.Contains(text, key.text[:6]) {
				b.Errorf("the error shows %s: %s", key.name, text)
			}
		}
	}
}
