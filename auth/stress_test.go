// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const (
	stressSeed    = 20260115
	stressWorkers = 8
	stressCalls   = 60
)

// badStore is a state file on a disk that takes only some writes.
type badStore struct {
	auth.Store
	saves  atomic.Int64
	mended atomic.Bool
}

func (s *badStore) Save(state statefile.State) error {
	if !s.mended.Load() && s.saves.Add(1)%7 == 0 {
		return errors.New("no space left")
	}
	return s.Store.Save(state)
}

func TestEverythingAtOnce(t *testing.T) {
	store := &badStore{}
	b := newBox(t, func(s *setup) {
		s.sim.Clock, s.plex.Clock, s.auth.Clock = nil, nil, nil
		s.auth.Settings.PollInterval, s.auth.Settings.PairingTimeout = 5*time.Millisecond, 200*time.Millisecond
		s.auth.ConfirmAfter = 5 * time.Millisecond
		store.Store, s.auth.Store = s.auth.Store, store
	})
	tokens := []string{b.sim.AddUser(plextvsim.User{}), b.sim.AddUser(plextvsim.User{})}
	var mu sync.Mutex
	var events []auth.Event
	ends := make(chan auth.PinEnd, stressWorkers*stressCalls+1) // each call ends one pairing at the most
	cancel := b.subscribe(func(e auth.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
		if e.PinEnd != nil {
			ends <- *e.PinEnd
		}
	})
	b.workAtOnce(tokens)
	b.sim.Clear()
	store.mended.Store(true)

	b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(b.sim.AddUser(plextvsim.User{}))}))
	p := b.pair(auth.PinOptions{Force: true})
	now, kept := b.account.Snapshot(), b.disk()
	equal(t, "pairing", now.Pairing, p)
	equal(t, "pairing on disk", kept.Pairing.ID, p.ID)
	equal(t, "token on disk", kept.Auth.Token.Equal(now.Credentials.Token), true)
	equal(t, "user on disk", kept.Auth.UserID, now.User.ID)
	equal(t, "problem", now.StorageProblem, "")
	b.must(b.sim.Claim(p.Code, ""))
	for end := receive(t, ends); end.ID != p.ID; end = receive(t, ends) {
	}
	equal(t, "signed in", b.account.Snapshot().State, auth.SignedIn)
	b.close()
	cancel()
	mu.Lock()
	defer mu.Unlock()
	checkStory(t, events)
}

// workAtOnce has workers make calls until each has made its number.
func (b *box) workAtOnce(tokens []string) {
	var workers sync.WaitGroup
	for n := range stressWorkers {
		random := rand.New(rand.NewPCG(stressSeed, uint64(n)))
		workers.Go(func() {
			for range stressCalls {
				err := b.anything(random, tokens)
				if err != nil && auth.CodeOf(err) == "" {
					b.Errorf("an error without a code: %v", err)
				}
			}
		})
	}
	workers.Wait()
}

// anything makes one call or lets plex.tv do something.
func (b *box) anything(random *rand.Rand, tokens []string) error {
	ctx, token := b.soon(), tokens[random.IntN(len(tokens))]
	p := b.account.Snapshot().Pairing
	var err error
	switch random.IntN(18) {
	case 0, 1:
		_, err = b.account.RequestPin(ctx, auth.PinOptions{Strong: random.IntN(2) == 0, Force: random.IntN(2) == 0})
	case 2, 3:
		_, _, err = b.account.CheckPin(ctx, p.ID)
	case 4:
		err = b.account.CancelPin(ctx, p.ID)
	case 5, 6:
		_ = b.sim.Claim(p.Code, token) // or it is nobody's any more
	case 7:
		_ = b.sim.ExpirePin(p.Code)
	case 8:
		_, err = b.account.Validate(ctx)
	case 9:
		_, err = b.account.ValidateToken(ctx, secret.New(token))
	case 10:
		err = b.account.Store(ctx, auth.Credentials{Token: secret.New(token)})
	case 11:
		err = b.account.Clear(ctx)
	case 12:
		_, err = b.account.SignOut(ctx)
	case 13:
		err = b.account.SelectServer(ctx, living())
	case 14:
		_ = b.sim.Refuse(token, []int{0, 0, 401, 403}[random.IntN(4)])
	case 15:
		fault := []plextvsim.Fault{plextvsim.CaptivePortal(), {CutOff: true}, {Status: 404}, {Status: 400}}[random.IntN(4)]
		fault.Endpoint = []plextvsim.Endpoint{plextvsim.CheckPin, plextvsim.GetUser}[random.IntN(2)]
		fault.Times = 1
		b.sim.Fail(fault)
	case 16:
		b.subscribe(func(auth.Event) {})()
		err = b.account.Alive(ctx)
	case 17:
		_, err = b.account.Token()
	}
	return err
}

// checkStory checks that events, in their order, make sense.
func checkStory(t *testing.T, events []auth.Event) {
	t.Helper()
	begun, over := make(map[uint64]bool), make(map[uint64]bool)
	authenticated := false
	for _, e := range events {
		s := e.Snapshot
		if e.PinEnd != nil {
			if !begun[e.PinEnd.ID] || over[e.PinEnd.ID] {
				t.Errorf("pairing %d ended, begun %v, ended before %v", e.PinEnd.ID, begun[e.PinEnd.ID], over[e.PinEnd.ID])
			}
			over[e.PinEnd.ID] = true
		}
		if s.Pairing.ID != 0 {
			begun[s.Pairing.ID] = true
		}
		if e.Auth != nil && e.Auth.Authenticated != s.Authenticated {
			t.Errorf("change %v of an account with authenticated %v", *e.Auth, s.Authenticated)
		}
		if e.Auth == nil && s.Authenticated != authenticated {
			t.Errorf("authenticated is %v without an event of it", s.Authenticated)
		}
		authenticated = s.Authenticated
		equal(t, "token in the headers", s.Headers["X-Plex-Token"] != "", s.Authenticated)
		equal(t, "state is one of signed in", s.State == auth.SignedIn || s.State == auth.Unverified, s.Authenticated)
	}
	for id := range begun {
		if !over[id] {
			t.Errorf("pairing %d has never ended", id)
		}
	}
	if len(begun) < 3 { // how many there are depends on how busy the machine is
		t.Errorf("only %d pairings", len(begun))
	}
}
