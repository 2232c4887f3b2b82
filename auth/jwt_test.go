// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

const week = 7 * 24 * time.Hour

func withDeviceKey(s *setup) { s.auth.Settings.Mode = auth.ModeJWT }

func TestSignInWithADeviceKey(t *testing.T) {
	for _, strong := range []bool{false, true} {
		t.Run(fmt.Sprintf("strong=%t", strong), func(t *testing.T) {
			b := newBox(t, withDeviceKey)
			equal(t, "mode", b.account.Snapshot().Mode, auth.ModeJWT)
			b.claimed(auth.PinOptions{Strong: strong})
			b.isBound()
			now := b.account.Snapshot()
			equal(t, "state", now.State, auth.SignedIn)
			equal(t, "expires", now.TokenExpiresAt.Sub(b.clock.Now()).Round(time.Minute), week)
			equal(t, "works", b.works(), true)
			equal(t, "asked for a token", b.sim.Count(plextvsim.RefreshJWT), 0)
		})
	}
}

func TestAClaimIsTakenOverARestart(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetKeys, Status: 503})
	b.must(b.sim.Claim(p.Code, ""))
	b.untilAsked(plextvsim.GetKeys, interval)
	b.restart(time.Second)
	b.sim.Clear()
	b.tick(interval)
	b.await(authChanged)
	b.isBound()
}

// The power was cut after a claim, and the network comes up later than the box, when
// the PIN's time is long over.
func TestAClaimOutlivesItsPin(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Reset: true, Endpoint: plextvsim.GetKeys})
	b.must(b.sim.Claim(p.Code, ""))
	b.untilAsked(plextvsim.GetKeys, interval)
	b.sim.Fail(plextvsim.Fault{Reset: true})
	b.restart(time.Hour)
	before := b.sim.Count(plextvsim.Any)
	for b.sim.Count(plextvsim.Any) < before+10 {
		b.tick(10 * time.Second)
	}
	b.sim.Clear()
	b.passUntil(authChanged, 10*time.Second)
	b.isBound()
}

func TestATokenIsRenewedInTime(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	for range 3 {
		issued, old := b.clock.Now(), b.token()
		b.toRenewal()
		share := float64(b.clock.Since(issued)) / float64(week)
		if share < 0.49 || share > 0.72 {
			t.Errorf("renewed after %.0f %% of its life", 100*share)
		}
		if b.token() == old {
			t.Error("the token is the old one")
		}
		b.isBound()
		for _, e := range b.unread() {
			if e.Auth != nil {
				t.Errorf("a renewal is told as %v", *e.Auth)
			}
		}
		equal(t, "works", b.works(), true)
	}
	equal(t, "plex.tv's keys asked for", b.sim.Count(plextvsim.GetKeys), 1)
}

// Tokens that hardly live are not asked for without end.
func TestTokensWithoutTimeLeft(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.sim.SetJWTLifetime(2 * time.Second)
	b.toRenewal()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 60 {
		b.tick(10 * time.Second)
		b.idle()
	}
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked < 5 || asked > 11 {
		t.Errorf("asked for %d tokens in 10 minutes", asked)
	}
}

func TestABadTokenIsNotTaken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	for name, spoil := range plextvsim.BadJWTs() {
		b.sim.NextJWT(spoil)
		wantCode(t, name, b.account.Renew(b.soon()), auth.InvalidResponse)
		equal(t, name+": the old token is held", b.token() == old, true)
		equal(t, name+": state", b.account.Snapshot().State, auth.SignedIn)
	}
	b.must(b.account.Renew(b.soon()))
	if b.token() == old {
		t.Error("a good one is not taken")
	}
	b.isBound()
}

func TestABadTokenIsNoSignIn(t *testing.T) {
	for name, spoil := range plextvsim.BadJWTs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, withDeviceKey)
			p := b.pair(auth.PinOptions{})
			b.sim.NextJWT(spoil)
			b.must(b.sim.Claim(p.Code, ""))
			_, _, err := b.account.CheckPin(b.soon(), p.ID)
			wantCode(t, "CheckPin", err, auth.InvalidResponse)
			equal(t, "authenticated", b.account.Snapshot().Authenticated, false)
			// A key that plex.tv has not shown yet may be shown later.
			equal(t, "kept token", !b.disk().Pairing.Token.IsZero(), name == "unknown-kid")
		})
	}
}

// A nonce that plex.tv gives twice cannot be used twice.
func TestAReplayedNonce(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetNonce, Body: `{"nonce":"0c5b1c1e-used-before"}`})
	wantCode(t, "renewal", b.account.Renew(b.soon()), auth.InvalidResponse)
	equal(t, "the old token is held", b.token() == old, true)
	b.sim.Clear()
	b.must(b.account.Renew(b.soon()))
}

func TestABoxThatWasOffForLongRecovers(t *testing.T) {
	for _, status := range []int{498, 401} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := newBox(t, withDeviceKey, func(s *setup) { s.sim.ExpiredStatus = status })
			b.claimed(auth.PinOptions{})
			old := b.token()
			b.restart(30 * 24 * time.Hour)
			b.reaches(auth.SignedIn)
			if b.token() == old {
				t.Error("the token is the old one")
			}
			b.isBound()
			equal(t, "works", b.works(), true)
		})
	}
}

// A token that plex.tv takes and will not renew is used to its end, without
// asking for another one all the time.
func TestARenewalThatPlexTvRefuses(t *testing.T) {
	b := newBox(t, withDeviceKey, func(s *setup) { s.auth.CheckEvery = 0 })
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Status: 422})
	b.toRenewal()
	before := b.sim.Count(plextvsim.RefreshJWT)
	for range 24 {
		b.tick(time.Hour)
		b.idle()
	}
	if asked := b.sim.Count(plextvsim.RefreshJWT) - before; asked < 3 || asked > 5 {
		t.Errorf("asked %d times in a day", asked)
	}
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	b.sim.Clear()
	b.toRenewal()
	b.isBound()
	equal(t, "works", b.works(), true)
}

func TestPlexTvChangesItsKeys(t *testing.T) {
	for name, old := range map[string]plextvsim.OldKeys{
		"listed": plextvsim.OldKeysListed, "hidden": plextvsim.OldKeysHidden, "dropped": plextvsim.OldKeysDropped,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, withDeviceKey)
			b.claimed(auth.PinOptions{})
			b.sim.RotateKeys(old)
			good, err := b.account.Validate(b.soon())
			b.must(err)
			equal(t, "good", good, true)
			b.must(b.account.Renew(b.soon()))
			b.isBound()
			equal(t, "works", b.works(), true)
			for _, e := range b.unread() {
				equal(t, "told", e.Auth, nil)
			}
		})
	}
}

// A device key that somebody else has signed in with meanwhile gives that
// person's token.
func TestTheTokenOfAnotherAccountIsNotTaken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	old := b.token()
	b.sim.NextJWT(func(jwt *plextvsim.JWT) { jwt.Claims["user"] = map[string]any{"id": 7} })
	if err := b.account.Renew(b.soon()); auth.CodeOf(err) != auth.AuthInvalid {
		t.Errorf("renewal: %v", err)
	}
	equal(t, "the old token is held", b.token() == old, true)
}

func TestATokenOfAnotherAccountIsNotAskedForAgainAtOnce(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	for range 100 {
		b.sim.NextJWT(func(jwt *plextvsim.JWT) { jwt.Claims["user"] = map[string]any{"id": 999} })
	}
	b.toRenewal()
	// The clock stands still from here on.
	soon, cancel := context.WithTimeout(b.Context(), 300*time.Millisecond)
	defer cancel()
	if b.sim.AwaitAnswers(soon, 10, plextvsim.RefreshJWT) == nil {
		t.Error("asked again and again")
	}
}

func TestABoundTokenCannotBeBroughtIn(t *testing.T) {
	other, b := newBox(t, withDeviceKey), newBox(t)
	other.claimed(auth.PinOptions{})
	err := b.account.Store(b.soon(), auth.Credentials{Token: secret.New(other.token())})
	wantCode(t, "Store", err, auth.InvalidArgs)
	// What was handed out may come back.
	held := *other.account.Snapshot().Credentials
	other.must(other.account.Store(other.soon(), auth.Credentials{Token: held.Token}))
	other.isBound()
	equal(t, "expires", other.account.Snapshot().TokenExpiresAt, held.ExpiresAt)
}

func TestSignOutWithAnExpiredToken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.must(b.sim.Refuse(b.token(), 498))
	revoked, err := b.account.SignOut(b.soon())
	b.must(err)
	equal(t, "revoked", revoked, true)
	state := b.disk()
	if state.Auth != nil || state.DeviceKey == nil {
		t.Error("the key goes with the client identifier, and the account goes without it")
	}
}
