// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func aliceSignsIn(b *box) { b.signIn(plextvsim.User{Username: "alice"}) }
func pairs(b *box)        { b.pair(auth.PinOptions{}) }

// saves are calls that save something, each with what has to be before it.
var saves = map[string]struct {
	before func(*box)
	do     func(*box) error
}{
	"RequestPin": {aliceSignsIn, func(b *box) error {
		_, err := b.account.RequestPin(b.soon(), auth.PinOptions{})
		return err
	}},
	"RequestPin, forced": {pairs, func(b *box) error {
		_, err := b.account.RequestPin(b.soon(), auth.PinOptions{Force: true})
		return err
	}},
	"CancelPin": {pairs, func(b *box) error {
		return b.account.CancelPin(b.soon(), b.account.Snapshot().Pairing.ID)
	}},
	"Store": {aliceSignsIn, func(b *box) error {
		token := secret.New(b.sim.AddUser(plextvsim.User{}))
		return b.account.Store(b.soon(), auth.Credentials{Token: token})
	}},
	"SelectServer": {aliceSignsIn, func(b *box) error {
		return b.account.SelectServer(b.soon(), auth.Server{MachineID: "abc", URI: "https://10.0.0.2:32400"})
	}},
}

func TestWhatCannotBeStoredIsNotDone(t *testing.T) {
	for name, test := range saves {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			test.before(b)
			b.unread()
			before, file := *b.account.Snapshot(), string(b.file())
			mend := b.breakDisk()
			err := test.do(b)
			wantCode(t, "on a broken disk", err, auth.StorageFailed)
			var cause *statefile.WriteError
			if !errors.As(err, &cause) {
				t.Errorf("no cause in %v", err)
			}
			for _, e := range b.unread() {
				if e.Auth != nil || e.PinEnd != nil {
					t.Errorf("event %v %v of what was not done", e.Auth, e.PinEnd)
				}
			}
			now := *b.account.Snapshot()
			equal(t, "state", now.State, before.State)
			equal(t, "pairing", now.Pairing, before.Pairing)
			equal(t, "server", now.Server, before.Server)
			equal(t, "token", now.Headers["X-Plex-Token"], before.Headers["X-Plex-Token"])
			equal(t, "problem is known", now.StorageProblem != "", true)
			equal(t, "revocations", len(b.asked(plextvsim.SignOut)), 0)

			mend()
			equal(t, "file", string(b.file()), file)
			b.must(test.do(b))
			equal(t, "problem", b.account.Snapshot().StorageProblem, "")
		})
	}
}

func TestSigningOutNeedsNoDisk(t *testing.T) {
	for name, do := range map[string]func(*box) error{
		"Clear": func(b *box) error { return b.account.Clear(b.soon()) },
		"SignOut": func(b *box) error {
			_, err := b.account.SignOut(b.soon())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.signIn(plextvsim.User{Username: "alice"})
			b.unread()
			mend := b.breakDisk()
			for range 2 {
				b.must(do(b))
				now := b.account.Snapshot()
				equal(t, "state", now.State, auth.SignedOut)
				equal(t, "problem is known", now.StorageProblem != "", true)
				equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 1)
			}
			equal(t, "told", *b.await(authChanged).Auth, auth.AuthChange{Reason: auth.ReasonSignedOut})
			b.close()
			mend()
			b.options.Store = statefile.Open(b.path, b.clock)
			b.open() // the disk still has the token, but plex.tv does not take it
			b.passUntil(in(auth.Expired), time.Minute)
		})
	}
}

func TestASignOutThatNothingForgetsSaysSo(t *testing.T) {
	for name, do := range map[string]func(b *box) error{
		"Clear": func(b *box) error { return b.account.Clear(b.soon()) },
		"SignOut": func(b *box) error {
			_, err := b.account.SignOut(b.soon())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, withLimits)
			b.signIn(plextvsim.User{})
			mend := b.breakDisk()
			b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SignOut, Status: 400})
			wantCode(t, "on a broken disk", do(b), auth.StorageFailed)
			equal(t, "state", b.account.Snapshot().State, auth.SignedOut)
			wantCode(t, "once more", b.account.Clear(b.soon()), auth.StorageFailed)
			mend()
			b.must(b.account.Clear(b.soon()))
			equal(t, "problem", b.account.Snapshot().StorageProblem, "")
			equal(t, "signed out on disk", b.disk().Auth == nil, true)
		})
	}
}

// The token may be shown once only, so it has to outlast the trouble.
func TestAClaimWaitsForTheDisk(t *testing.T) {
	b := newBox(t, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	b.must(b.sim.Claim(p.Code, ""))
	b.unread()
	mend := b.breakDisk()
	_, _, err := b.account.CheckPin(b.soon(), p.ID)
	wantCode(t, "CheckPin", err, auth.StorageFailed)
	b.tick(longestPause)
	b.idle()
	equal(t, "pairing", b.account.Snapshot().Pairing, p)
	equal(t, "problem is known", b.account.Snapshot().StorageProblem != "", true)
	mend()

	// Once more, when half of it is stored.
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Second, Times: 1})
	b.tick(longestPause)
	b.must(b.sim.Await(b.soon(), 1, plextvsim.GetUser))
	equal(t, "the token is on disk", b.disk().Pairing.Token.IsZero(), false)
	b.unread()
	mend = b.breakDisk()
	b.tick(time.Second)
	b.await(func(e auth.Event) bool { return e.Snapshot.StorageProblem != "" })
	b.idle()
	mend()
	b.clock.Advance(longestPause)
	e := b.await(ended)
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinClaimed})
	equal(t, "problem", e.Snapshot.StorageProblem, "")
	equal(t, "token on disk", b.disk().Auth.Token.Equal(e.Snapshot.Credentials.Token), true)
	equal(t, "questions about the PIN", len(b.asked(plextvsim.CheckPin)), 1)
}

func TestAClaimThatCanNeverBeStoredFails(t *testing.T) {
	b := newBox(t)
	p := b.pair(auth.PinOptions{})
	b.must(b.sim.Claim(p.Code, ""))
	mend := b.breakDisk()
	b.tick(interval)
	b.answered(1, plextvsim.CheckPin)
	b.tick(timeout)
	e := b.await(ended)
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinFailed})
	equal(t, "state", e.Snapshot.State, auth.SignedOut)
	_, _, err := b.account.CheckPin(b.soon(), p.ID)
	wantCode(t, "CheckPin", err, auth.NotFound)
	mend()
	b.pair(auth.PinOptions{})
	equal(t, "problem", b.account.Snapshot().StorageProblem, "")
}

// What time and plex.tv decide holds whatever the disk does.
func TestDecisionsOfOthersNeedNoDisk(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{})
	p := b.pair(auth.PinOptions{})
	b.unread()
	mend := b.breakDisk()
	b.must(b.sim.ExpirePin(p.Code))
	b.tick(interval)
	equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
	b.must(b.sim.Revoke(token))
	_, err := b.account.Validate(b.soon())
	b.must(err)
	e := b.wind(askAgain, authChanged)
	equal(t, "state", e.Snapshot.State, auth.Expired)
	equal(t, "problem is known", e.Snapshot.StorageProblem != "", true)
	mend()
	b.must(b.account.Clear(b.soon()))
	if kept := b.disk(); kept.Auth != nil || kept.Pairing != nil {
		t.Errorf("on disk after signing out: %+v", kept)
	}
}

func TestStartsOnAStoreThatCannotBeUsed(t *testing.T) {
	newer := "[retune_plex_auth]\nversion = 99\n"
	for name, test := range map[string]struct {
		place func(path string) error
		mends func(path string) error // nil: nothing to mend, the old file was set aside
	}{
		"directory is a file": {
			func(path string) error { return os.WriteFile(filepath.Dir(path), nil, 0o600) },
			func(path string) error { return os.Remove(filepath.Dir(path)) },
		},
		"file is of a newer version": {
			func(path string) error {
				return errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(newer), 0o600))
			}, os.Remove,
		},
		"file is corrupt": {
			func(path string) error {
				return errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("token = "), 0o600))
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "state.toml")
			if err := test.place(path); err != nil {
				t.Fatal(err)
			}
			b := newBox(t, func(s *setup) { s.auth.Store = statefile.Open(path, s.auth.Clock) })
			now := b.account.Snapshot()
			equal(t, "state", now.State, auth.SignedOut)
			equal(t, "problem is known", now.StorageProblem != "", true)
			if test.mends != nil {
				_, err := b.account.RequestPin(b.soon(), auth.PinOptions{})
				wantCode(t, "RequestPin", err, auth.StorageFailed)
				b.close()
				b.must(test.mends(path))
				b.options.Store = statefile.Open(path, b.clock)
				b.open()
			}
			b.pair(auth.PinOptions{})
			equal(t, "problem", b.account.Snapshot().StorageProblem, "")
		})
	}
}
