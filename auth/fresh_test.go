// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestOneRenewalForAll(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.JWTLifetime = 4 * time.Minute })
	b.claimed(auth.PinOptions{})
	old, before := b.token(), b.sim.Count(plextvsim.RefreshJWT)
	b.sim.SetJWTLifetime(week)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if s := b.account.Fresh(b.soon()); s.Credentials.Token.Reveal() == old {
				t.Error("a token that is too short is handed out")
			}
		})
	}
	all.Wait()
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked != 1 {
		t.Errorf("plex.tv was asked %d times", asked)
	}
}

// Without plex.tv the old token is better than none, and nobody waits twice.
func TestAShortTokenWithoutPlexTv(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.JWTLifetime = 4 * time.Minute })
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.Fail(plextvsim.Fault{Status: http.StatusServiceUnavailable, RetryAfter: "600"})
	before := b.sim.Count(plextvsim.Any)
	for range 3 {
		equal(t, "the old token is given", b.account.Fresh(b.soon()).Credentials.Token.Reveal() == old, true)
	}
	if asked := b.sim.Count(plextvsim.Any) - before; asked > 2 {
		t.Errorf("plex.tv was asked %d times", asked)
	}
}

// Tokens that are too short from the start are not renewed for each who asks.
func TestAShortTokenIsRenewedOnceInAWhile(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.JWTLifetime = 4 * time.Minute })
	b.claimed(auth.PinOptions{})
	asked := func() int {
		before := b.sim.Count(plextvsim.RefreshJWT)
		for range 3 {
			b.account.Fresh(b.soon())
		}
		return b.sim.Count(plextvsim.RefreshJWT) - before
	}
	equal(t, "renewals at first", asked(), 1)
	b.clock.Advance(20 * time.Second)
	equal(t, "renewals soon after", asked(), 0)
	b.clock.Advance(20 * time.Second)
	equal(t, "renewals later", asked(), 1)
}
