// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func TestIsSealed(t *testing.T) {
	b := newSealedBox(t, "")
	want := func(want bool) {
		t.Helper()
		if sealed, err := statefile.IsSealed(b.path); sealed != want || err != nil {
			t.Errorf("IsSealed() = %v, %v, want %v", sealed, err, want)
		}
	}
	want(false) // no file
	b.save(statefile.State{ClientID: "3f0c"})
	want(false)
	b.save(fullState())
	want(true)
	b.write(full)
	want(false)
	b.write("not TOML, token = \"sealed:v1:AAAA\"")
	want(true)
	if sealed, err := statefile.IsSealed(b.dir); err == nil {
		t.Errorf("a directory: %v", sealed)
	}
}

// A sealed state whose key a power cut takes is lost, so the key comes first.
func TestTheKeyIsSettledBeforeTheFirstSecretIsSealed(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "plain": full} {
		b, calls := newBox(t, text), 0
		var fails error
		b = b.unlock(key(t, rawKey).Settled(func() error {
			calls++
			if text != "" {
				b.wantText(text)
			}
			return fails
		}))
		want := func(n int) {
			t.Helper()
			if calls != n {
				t.Errorf("%s: settled %d times, want %d", name, calls, n)
			}
		}
		if text == "" {
			b.save(statefile.State{ClientID: "3f0c"}) // nothing to seal
			want(0)
			text = b.text()
		}
		fails = errors.New("disk on fire")
		if failed := b.wantWriteError(fullState()); failed.Op != "seal" || !errors.Is(failed, fails) {
			t.Errorf("%s: %v", name, failed)
		}
		b.wantText(text)
		fails, calls = nil, 0
		b.save(fullState())
		want(1)
		b.wantNothingBare()
		other := fullState()
		other.Auth.Token = secret.New("another")
		b.save(other)
		b.wantState(other)
		want(1)
	}
}
