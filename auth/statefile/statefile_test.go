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

// full is how fullState lies on disk.
const full = `retune_client_id = "3f0c"

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
token = "claimed"
`

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func fullState() statefile.State {
	return statefile.State{
		ClientID: "3f0c",
		Auth: &statefile.Auth{
			SelectedServerID: "machine", SelectedServerURI: "https://10-0-0-2.plex.direct:32400",
			Token: secret.New(token), UserID: "42", Username: "ann", Email: "ann@example.org",
			Thumb:    "https://plex.tv/users/1/avatar",
			IssuedAt: utc("2026-01-15T12:00:00Z"), ExpiresAt: utc("2026-01-22T12:00:00Z"),
			UUID: "9f3b", Title: "Ann", HomeAdmin: true,
			RefusedAt: utc("2026-01-16T08:30:00Z"),
		},
		Pairing: &statefile.Pairing{
			ID: 7, PlexID: secret.New("1234567"), Code: "AB12", Strong: true,
			ExpiresAt: utc("2026-01-15T12:05:00Z"), Token: secret.New("claimed"),
		},
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
		b.Errorf("Load() = %+v %+v %+v\nwant %+v %+v %+v", got, got.Auth, got.Pairing, want, want.Auth, want.Pairing)
	}
}

func (b box) wantText(want string) {
	b.Helper()
	if got := b.text(); got != want {
		b.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

func (b box) wantFiles(names ...string) {
	b.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
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
		if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, token[:6]) {
			b.Errorf("the error shows the token: %s", text)
		}
	}
}

func TestTheFileIsAsDocumented(t *testing.T) {
	b := newBox(t, "")
	b.wantState(statefile.State{})
	b.save(fullState())
	b.wantText(full)
	b.wantState(fullState())
	b.wantFiles("state.toml")
}

func TestWhatIsAbsent(t *testing.T) {
	b := newBox(t, full)
	s := fullState()
	s.Pairing, s.Auth.ExpiresAt, s.Auth.IssuedAt, s.Auth.RefusedAt = nil, time.Time{}, time.Time{}, time.Time{}
	b.save(s)
	b.wantState(s)
	for _, absent := range []string{"issued_at", "expires_at", "refused_at", "pairing"} {
		if strings.Contains(b.text(), absent) {
			t.Errorf("%s is in the file:\n%s", absent, b.text())
		}
	}
	s.Pairing = &statefile.Pairing{}
	s.Auth.Token = secret.String{}
	b.save(s)
	b.wantState(s)
	if strings.Count(b.text(), "\ntoken = ") != 1 {
		t.Errorf("want one empty token in\n%s", b.text())
	}
	b.save(signedOut())
	b.wantState(signedOut())
	if text := b.text(); strings.TrimSpace(text) != `retune_client_id = "3f0c"` {
		t.Errorf("signed out, the file is\n%s", text)
	}
}

func TestTimesAreWholeSecondsInUTC(t *testing.T) {
	b := newBox(t, strings.Replace(full, "2026-01-15T12:00:00Z", "2026-01-15T14:00:00.75+02:00", 1))
	b.wantState(fullState())
	s := fullState()
	east := time.FixedZone("east", 3600)
	for _, at := range []*time.Time{&s.Auth.IssuedAt, &s.Auth.ExpiresAt, &s.Auth.RefusedAt, &s.Pairing.ExpiresAt} {
		*at = at.Add(9 * time.Millisecond).In(east)
	}
	b.save(s)
	b.wantState(fullState())
	s.Auth.IssuedAt = s.Auth.IssuedAt.Add(time.Hour)
	b.save(s)
	if !strings.Contains(b.text(), "\nissued_at = 2026-01-15T13:00:00Z\n") {
		t.Errorf("no UTC time in whole seconds in\n%s", b.text())
	}
	s.Auth.IssuedAt = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	b.wantWriteError(s)
}

func TestNothingIsWrittenWhenNothingChanged(t *testing.T) {
	b := newBox(t, "# note\n"+strings.Replace(full, `"ann"`, `'ann' # odd`, 1))
	before, err := os.Stat(b.path)
	if err != nil {
		t.Fatal(err)
	}
	b.save(fullState())
	b.save(fullState())
	after, err := os.Stat(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("the file was replaced by an equal one")
	}
}

func TestAnOlderFileIsMigrated(t *testing.T) {
	for _, old := range []string{"", "version = 0\n"} {
		b := newBox(t, strings.Replace(full, "version = 1\n", old, 1))
		b.wantState(fullState())
		b.save(fullState())
		if strings.Count(b.text(), "version = 1\n") != 1 || strings.Contains(b.text(), "version = 0") {
			t.Errorf("no version in\n%s", b.text())
		}
		b.wantState(fullState())
	}
}

func TestANewerFileIsLeftAlone(t *testing.T) {
	newer := strings.NewReplacer("version = 1\n", "version = 2\n", `user_id = "42"`, "user_id = 42").Replace(full)
	b := newBox(t, newer)
	_, err := b.Load()
	if !errors.Is(err, statefile.ErrNewer) {
		t.Fatalf("Load: %v, want ErrNewer", err)
	}
	for _, part := range []string{b.path, "version 2", "known is 1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if failed := b.wantWriteError(fullState()); !errors.Is(failed, statefile.ErrNewer) {
		t.Errorf("Save: %v, want ErrNewer", failed)
	}
	b.wantText(newer)
	b.wantFiles("state.toml")
	b.write(full)
	if failed := b.wantWriteError(signedOut()); !errors.Is(failed, statefile.ErrNewer) {
		t.Errorf("Save without another Load: %v, want ErrNewer", failed)
	}
	b.wantState(fullState())
	b.save(signedOut())
	b.write(newer)
	if failed := b.wantWriteError(fullState()); !errors.Is(failed, statefile.ErrNewer) {
		t.Errorf("Save over a file that became newer: %v, want ErrNewer", failed)
	}
	b.wantText(newer)
}

func TestWhatLoadWouldRefuseIsNotSaved(t *testing.T) {
	b := newBox(t, full)
	for _, title := range []string{strings.Repeat("x", 1<<20), "\xff"} {
		s := fullState()
		s.Auth.Title = title
		if failed := b.wantWriteError(s); failed.Op != "encode" {
			t.Errorf("Save: %v, want it not even written", failed)
		}
		b.wantText(full)
		b.wantFiles("state.toml")
	}
}

func TestEveryIdSurvives(t *testing.T) {
	b := newBox(t, "")
	for _, id := range []uint64{0, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		s := fullState()
		s.Pairing.ID = id
		b.save(s)
		b.wantState(s)
	}
}
