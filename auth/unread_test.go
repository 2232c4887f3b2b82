// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// TestWhatCannotBeReadIsNotSaidToBeForgotten: nobody must believe that the box
// is signed out while the token lies on its disk.
func TestWhatCannotBeReadIsNotSaidToBeForgotten(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	id := b.disk().ClientID
	b.close()
	newer := bytes.Replace(b.file(), []byte("version = 1"), []byte("version = 2"), 1)
	b.must(os.WriteFile(b.path, newer, 0o600))
	b.options.Store = statefile.Open(b.path, b.clock)
	b.open()
	now := b.account.Snapshot()
	equal(t, "state", now.State, auth.SignedOut)
	equal(t, "client id", now.Headers["X-Plex-Client-Identifier"], id)
	wantCode(t, "Clear", b.account.Clear(b.soon()), auth.StorageFailed)
	_, err := b.account.SignOut(b.soon())
	wantCode(t, "SignOut", err, auth.StorageFailed)
	equal(t, "file", string(b.file()), string(newer))
}

func TestStoringTheSameAgainIsNoChange(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	b.unread()
	b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(token)}))
	for _, e := range b.unread() {
		equal(t, "change", e.Auth, nil)
	}
}

func TestATokenThatPlexTvKnowsButDoesNotExplain(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	b.must(b.sim.Refuse(token, 403))
	b.restart(0)
	for b.account.Snapshot().State != auth.SignedIn {
		b.next()
	}
	b.validate(false)
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

func TestASnapshotPrintsNoToken(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, *b.account.Snapshot()); bytes.Contains([]byte(text), []byte(token)) {
			t.Errorf("%s prints the token", verb)
		}
	}
}
