// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
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
}

func (s *heldStore) Save(state statefile.State) error {
	s.saves.Add(1)
	if s.begun != nil {
		s.begun <- struct{}{}
		<-s.let
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
			kept := b.disk().Auth
			equal(t, "server on disk", kept.SelectedServerID, b.account.Snapshot().Server.MachineID)
		})
	}
}
