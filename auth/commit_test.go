// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// heldStore keeps each save waiting until it is let go.
type heldStore struct {
	auth.Store
	saves atomic.Int32
	begun chan struct{}
	let   chan struct{}
	fails func(n int32) (mend func()) // nil: no save does
}

func (s *heldStore) Save(state statefile.State) error {
	n := s.saves.Add(1)
	if s.begun != nil {
		s.begun <- struct{}{}
		<-s.let
	}
	if s.fails != nil {
		defer s.fails(n)()
	}
	return s.Store.Save(state)
}

func TestChangesThatWaitShareASave(t *testing.T) {
	for name, broken := range map[string]bool{"on a good disk": false, "on a broken disk": true} {
		t.Run(name, func(t *testing.T) {
			store := &heldStore{}
			b := newBox(t, func(s *setup) { store.Store, s.auth.Store = s.auth.Store, store })
			b.signIn(plextvsim.User{})
			b.unread()
			store.saves.Store(0)
			store.begun, store.let = make(chan struct{}, 1000), make(chan struct{})
			var calls sync.WaitGroup
			var failed atomic.Int32
			for n := range 128 {
				calls.Go(func() {
					server := auth.Server{MachineID: fmt.Sprint(n), URI: "https://10.0.0.2:32400"}
					if err := b.account.SelectServer(b.soon(), server); err != nil {
						failed.Add(1)
						wantCode(t, "SelectServer", err, auth.StorageFailed)
					}
				})
			}
			<-store.begun
			b.account.AwaitWaiting(127)
			if broken {
				defer b.breakDisk()()
			}
			close(store.let)
			calls.Wait()
			if broken {
				equal(t, "failed", failed.Load(), 128)
				equal(t, "server", b.account.Snapshot().Server, auth.Server{})
				return
			}
			equal(t, "saves", store.saves.Load(), 2)
			equal(t, "events", len(b.unread()), 2)
			kept := b.disk().Auth
			equal(t, "server on disk", kept.SelectedServerID, b.account.Snapshot().Server.MachineID)
		})
	}
}

// The disk fails when changes are saved together, or when one of them is tried alone,
// or both. Whoever hears of no error is on the disk, and nobody else.
func TestADiskThatFailsAtEachStepOfSharingASave(t *testing.T) {
	const together, waiting = 2, 3 // the first save is that of who does not wait
	for pattern := range 1 << (1 + waiting) {
		t.Run(fmt.Sprintf("%04b", pattern), func(t *testing.T) {
			store := &heldStore{}
			b := newBox(t, func(s *setup) { store.Store, s.auth.Store = s.auth.Store, store })
			b.signIn(plextvsim.User{})
			store.saves.Store(0)
			store.begun, store.let = make(chan struct{}, 100), make(chan struct{})
			store.fails = func(n int32) func() {
				if n < together || pattern>>(n-together)&1 == 0 {
					return func() {}
				}
				return b.breakDisk()
			}
			var calls sync.WaitGroup
			results := make([]error, 1+waiting)
			call := func(n int) {
				calls.Go(func() { results[n] = b.account.SelectServer(b.soon(), at(fmt.Sprint(n))) })
			}
			call(0)
			<-store.begun
			for n := range waiting {
				call(1 + n)
			}
			b.account.AwaitWaiting(waiting)
			close(store.let)
			calls.Wait()

			kept := map[string]bool{}
			for n, err := range results {
				if err == nil {
					kept[fmt.Sprint(n)] = true
				} else {
					wantCode(t, "SelectServer", err, auth.StorageFailed)
				}
			}
			want := 1 + waiting
			if pattern&1 != 0 {
				want -= bits.OnesCount(uint(pattern >> 1))
			}
			equal(t, "kept", len(kept), want)
			selected := b.account.Snapshot().Server.MachineID
			equal(t, "selected by somebody who was told so", kept[selected], true)
			equal(t, "on the disk", b.disk().Auth.SelectedServerID, selected)
		})
	}
}
