// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// slowStore is a state file on a disk that can be made to hang.
type slowStore struct {
	auth.Store
	hang    chan struct{} // nil: it does not
	hanging chan struct{}
}

func (s *slowStore) Save(state statefile.State) error {
	s.wait()
	return s.Store.Save(state)
}

func (s *slowStore) Forget(state statefile.State) (gone bool, err error) {
	s.wait()
	return s.Store.Forget(state)
}

// wait returns when the disk does not hang any more.
func (s *slowStore) wait() {
	if s.hang != nil {
		s.hanging <- struct{}{}
		<-s.hang
	}
}

// newSlowBox is a box that is signed in and whose disk can be made to hang.
func newSlowBox(t *testing.T) (*box, *slowStore) {
	t.Helper()
	store := &slowStore{hanging: make(chan struct{}, 1)}
	b := newBox(t, func(s *setup) {
		store.Store = s.auth.Store
		s.auth.Store = store
	})
	b.signIn(plextvsim.User{})
	return b, store
}

func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAliveNoticesAHangingDisk(t *testing.T) {
	b, store := newSlowBox(t)
	b.must(b.account.Alive(b.soon()))
	store.hang = make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- b.account.Clear(b.soon()) }()
	receive(t, store.hanging)
	if err := b.account.Alive(briefly(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Alive: %v", err)
	}
	// Reading goes on, and nobody hears of what is not on disk.
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	equal(t, "events", len(b.events), 0)
	close(store.hang)
	b.must(<-done)
	b.must(b.account.Alive(b.soon()))
	equal(t, "state", b.account.Snapshot().State, auth.SignedOut)
}

func TestCloseWaitsForTheDisk(t *testing.T) {
	b, store := newSlowBox(t)
	store.hang = make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- b.account.Clear(b.soon()) }()
	receive(t, store.hanging)
	if err := b.account.Close(briefly(t)); err == nil {
		t.Error("Close has returned while the state is being written")
	}
	close(store.hang)
	b.must(<-done)
	b.must(b.account.Close(b.soon()))
}

func TestCloseEndsAllThatGoesOn(t *testing.T) {
	others := goleak.IgnoreCurrent()
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Delay: time.Hour})
	results := make(chan error, 2)
	for n, call := range []func() error{
		func() error { _, err := b.account.RequestPin(b.soon(), auth.PinOptions{Force: true}); return err },
		func() error { _, _, err := b.account.CheckPin(b.soon(), b.account.Snapshot().Pairing.ID); return err },
	} {
		go func() { results <- call() }()
		b.must(b.sim.Await(b.soon(), 3+n, plextvsim.Any))
	}
	signedOut := make(chan bool, 1)
	go func() {
		revoked, err := b.account.SignOut(b.soon())
		signedOut <- !revoked && err == nil
	}()
	b.must(b.sim.Await(b.soon(), 1, plextvsim.SignOut))
	file := string(b.file())
	b.close()
	equal(t, "signed out here only", <-signedOut, true)
	for range 2 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("a call under way: %v", err)
		}
	}
	for name, call := range map[string]func() error{
		"RequestPin":   func() error { _, err := b.account.RequestPin(b.soon(), auth.PinOptions{Force: true}); return err },
		"CancelPin":    func() error { return b.account.CancelPin(b.soon(), b.account.Snapshot().Pairing.ID) },
		"Clear":        func() error { return b.account.Clear(b.soon()) },
		"Alive":        func() error { return b.account.Alive(b.soon()) },
		"SelectServer": func() error { return b.account.SelectServer(b.soon(), auth.Server{}) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s on a closed account: %v", name, err)
		}
	}
	equal(t, "file", string(b.file()), file)
	b.server.Close()
	goleak.VerifyNone(t, others)
}

// For the race detector: the poller may end before Open has returned.
func TestOpensWhileItsPairingEnds(t *testing.T) {
	server := plextvsim.New(plextvsim.Options{}).StartTLS() // knows no PIN
	defer server.Close()
	plex, err := plextv.New(plextv.Config{BaseURL: server.URL, RootCAs: server.CAPool()})
	if err != nil {
		t.Fatal(err)
	}
	defer plex.CloseIdleConnections()
	for range 20 {
		clock := clockwork.NewRealClock()
		store := statefile.Open(filepath.Join(t.TempDir(), "state.toml"), clock)
		err := store.Save(statefile.State{ClientID: "c", Pairing: &statefile.Pairing{ID: 1, PlexID: secret.New("2"), Code: "ABCD"}})
		if err != nil {
			t.Fatal(err)
		}
		account := auth.Open(auth.Options{Plex: plex, Store: store, Clock: clock,
			Settings: auth.Settings{PollInterval: time.Second, PairingTimeout: time.Minute}})
		for account.Snapshot().State != auth.SignedOut {
			runtime.Gosched()
		}
		if err := account.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
