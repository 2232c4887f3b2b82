// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func TestTheFileIsAsDocumented(t *testing.T) {
	b := newBox(t, "")
	b.wantState(statefile.State{})
	b.save(fullState())
	b.wantText(full)
	b.wantState(fullState())
	b.wantFiles("state.toml")
}

func TestTheFirstReleasesFile(t *testing.T) {
	b := newBox(t, firstRelease)
	b.wantState(firstState())
	b.save(firstState())
	b.wantText(firstRelease)
	b.save(fullState())
	b.wantText(full)
	b.save(firstState())
	b.wantState(firstState())
	b.wantText(firstRelease + "\n")
}

func TestWhatIsAbsent(t *testing.T) {
	b := newBox(t, full)
	s := firstState()
	s.Pairing, s.Auth.ExpiresAt, s.Auth.IssuedAt, s.Auth.RefusedAt = nil, time.Time{}, time.Time{}, time.Time{}
	b.save(s)
	b.wantState(s)
	for _, absent := range []string{"issued_at", "expires_at", "refused_at", "pairing", "device_key", "plexauthd_home", "servers"} {
		if strings.Contains(b.text(), absent) {
			t.Errorf("%s is in the file:\n%s", absent, b.text())
		}
	}
	s.Pairing = &statefile.Pairing{PlexID: secret.New("1")}
	s.HomePin = &statefile.HomePin{}
	b.save(s)
	b.wantState(s)
	if strings.Count(b.text(), "\ntoken = ") != 1 {
		t.Errorf("want one token in\n%s", b.text())
	}
	for _, absent := range []string{"client_id = \"\"", "kid", "private_key", "retry_at"} {
		if strings.Contains(b.text(), absent) {
			t.Errorf("%s is in the file:\n%s", absent, b.text())
		}
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
	for _, at := range []*time.Time{
		&s.Auth.IssuedAt, &s.Auth.ExpiresAt, &s.Auth.RefusedAt, &s.Pairing.ExpiresAt, &s.DeviceKey.CreatedAt,
		&s.Owner.IssuedAt, &s.Owner.ExpiresAt, &s.Owner.RefusedAt, &s.HomePin.RetryAt,
	} {
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
		s.Pairing.ID, s.HomePin.Wrong = id, id
		b.save(s)
		b.wantState(s)
	}
}
