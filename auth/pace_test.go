// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// politely gives the account what the daemon gives it.
func politely(s *setup) {
	s.plex.Pace = plextv.Polite()
	s.auth.ShareFor = time.Second
}

func TestAnswersAreSharedForASecond(t *testing.T) {
	b := newBox(t, politely)
	token := b.signIn(plextvsim.User{})
	for name, ask := range map[string]struct {
		endpoint plextvsim.Endpoint
		do       func() error
	}{
		"Validate":      {plextvsim.GetUser, func() error { _, err := b.account.Validate(b.soon()); return err }},
		"ValidateToken": {plextvsim.GetUser, func() error { _, err := b.account.ValidateToken(b.soon(), secret.New(token)); return err }},
		"ListUsers":     {plextvsim.HomeUsers, func() error { _, err := b.account.ListUsers(b.soon()); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			b.clock.Advance(time.Minute)
			before := len(b.asked(ask.endpoint))
			for range 20 {
				b.must(ask.do())
			}
			equal(t, "questions at once", len(b.asked(ask.endpoint))-before, 1)
			b.clock.Advance(time.Second)
			b.must(ask.do())
			equal(t, "questions a second later", len(b.asked(ask.endpoint))-before, 2)
		})
	}
	b.clock.Advance(time.Minute)
	b.must(b.sim.Refuse(token, 401))
	good, err := b.account.Validate(b.soon())
	equal(t, "good", good, false)
	b.must(err)
}

func TestCallersAreToldToWait(t *testing.T) {
	b := newBox(t, politely)
	var refused error
	for range 6 {
		if _, err := b.account.RequestPin(b.soon(), auth.PinOptions{Force: true}); err != nil {
			refused = err
		}
	}
	equal(t, "code", auth.CodeOf(refused), auth.RateLimited)
	equal(t, "new PINs", len(b.asked(plextvsim.RequestPin)), 4)

	// The pairing under way continues, whatever callers ask.
	for i := range 30 {
		_, _ = b.account.ValidateToken(b.soon(), secret.New(string(rune('a'+i))))
	}
	p := b.account.Snapshot().Pairing
	b.must(b.sim.Claim(p.Code, ""))
	b.tick(interval)
	equal(t, "end", b.await(ended).PinEnd.Result, auth.PinCancelled)
	for range 3 {
		b.await(ended) // those that were forced away
	}
}
