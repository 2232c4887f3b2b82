// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// A sign-in meets every kind of fault at each of its steps. The caller hears which
// it is, nothing is lost, and when it is over the sign-in ends as it should.

func TestFaultsWhenThePinIsMade(t *testing.T) {
	suffering(t, everyFault(), func(s *sufferer) {
		s.meet(plextvsim.RequestPin)
		request := func(ctx context.Context) error {
			_, err := s.account.RequestPin(ctx, auth.PinOptions{})
			return err
		}
		wantCode(s, "RequestPin", s.call(request), s.code)
		equal(s, "state", s.account.Snapshot().State, auth.SignedOut)
		equal(s, "no pairing on disk", s.disk().Pairing == nil, true)
		s.recover()
		s.clock.Advance(limitedPause)
		s.signsIn(s.pair(auth.PinOptions{}))
	}, auth.ModeLegacy, auth.ModeJWT)
}

// Before and after the claim a failed poll ends nothing, except for plex.tv's own
// word that there is no such PIN.
func TestFaultsWhenThePinIsAskedAbout(t *testing.T) {
	for name, claimed := range map[string]bool{"before the claim": false, "after the claim": true} {
		t.Run(name, func(t *testing.T) {
			suffering(t, everyFault(), func(s *sufferer) {
				p := s.pair(auth.PinOptions{})
				s.meet(plextvsim.CheckPin)
				if claimed {
					s.must(s.sim.Claim(p.Code, ""))
				}
				_, err := s.check(p)
				if s.saysGone() {
					wantCode(s, "CheckPin", err, auth.PinExpired)
					equal(s, "end", *s.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
					s.recover()
					p = s.pair(auth.PinOptions{})
				} else {
					wantCode(s, "CheckPin", err, s.code)
					s.goesOn(p)
					s.recover()
				}
				s.signsIn(p)
			}, auth.ModeLegacy, auth.ModeJWT)
		})
	}
}

// saysGone tells that plex.tv itself does not know what is asked for.
func (s *sufferer) saysGone() bool {
	return s.Status == 404 && s.Body == "" || s.Status == 410
}

// goesOn wants the pairing to be under way yet.
func (s *sufferer) goesOn(p auth.Pairing) {
	s.Helper()
	s.awhile()
	equal(s, "pairing", s.account.Snapshot().Pairing, p)
	equal(s, "state", s.account.Snapshot().State, auth.PairingNow)
	equal(s, "pairing on disk", s.disk().Pairing.ID, p.ID)
}

// Who it is does not matter to a sign-in; the name comes later.
func TestFaultsWhenTheUserIsAskedFor(t *testing.T) {
	suffering(t, faults(), func(s *sufferer) {
		p := s.pair(auth.PinOptions{})
		s.meet(plextvsim.GetUser)
		s.signsInNameless(p)
		s.recover()
		for range 5 { // the first may share the answer to a question asked before
			_ = s.call(func(ctx context.Context) error { _, err := s.account.Validate(ctx); return err })
			s.clock.Advance(limitedPause)
		}
		s.unread()
		equal(s, "state", s.account.Snapshot().State, auth.SignedIn)
		equal(s, "named", s.account.Snapshot().User.ID != "", true)
	}, auth.ModeLegacy, auth.ModeJWT)
}

func (s *sufferer) signsInNameless(p auth.Pairing) {
	s.Helper()
	s.must(s.sim.Claim(p.Code, ""))
	e := s.passUntil(authChanged, interval/4)
	equal(s, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
	equal(s, "user", *e.Snapshot.User, auth.User{})
}

// plex.tv refuses the new token for a moment, and the box gets another one.
func TestTheNameIsAskedForWithTheNextToken(t *testing.T) {
	b := newBox(t, withDeviceKey)
	p := b.pair(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: http.StatusUnauthorized, Times: 2})
	b.must(b.sim.Claim(p.Code, ""))
	b.passUntil(named, interval)
	b.isBound()
}

// Without plex.tv's keys the token of a claim cannot be checked. It is kept.
func TestFaultsWhenPlexTvsKeysAreAskedFor(t *testing.T) {
	suffering(t, faults(), func(s *sufferer) {
		p := s.pair(auth.PinOptions{})
		s.meet(plextvsim.GetKeys)
		s.must(s.sim.Claim(p.Code, ""))
		_, err := s.check(p)
		wantCode(s, "CheckPin", err, s.code)
		s.goesOn(p)
		equal(s, "the token is kept", !s.disk().Pairing.Token.IsZero(), true)
		s.recover()
		s.signsIn(p)
	}, auth.ModeJWT)
}

// After a restart the keys are asked for first, for plex.tv's time. If they are out of
// reach the PIN is asked about all the same.
func TestFaultsWhenPlexTvsKeysAreAskedForAfterARestart(t *testing.T) {
	suffering(t, everyFault(), func(s *sufferer) {
		p := s.pair(auth.PinOptions{})
		s.meet(plextvsim.GetKeys)
		s.restart(0)
		if s.way != nil {
			_, err := s.check(p)
			wantCode(s, "CheckPin", err, s.code)
		}
		s.goesOn(p)
		s.recover()
		s.signsIn(p)
	}, auth.ModeJWT)
}

// On the way to a device key the old token is in use until there is a new one.
func TestFaultsOnTheWayToADeviceKey(t *testing.T) {
	for _, endpoint := range []plextvsim.Endpoint{
		plextvsim.RegisterKey, plextvsim.GetKeys, plextvsim.GetNonce, plextvsim.RefreshJWT,
	} {
		t.Run(string(endpoint), func(t *testing.T) {
			suffering(t, everyFault(), func(s *sufferer) {
				s.claimed(auth.PinOptions{})
				s.meet(endpoint)
				s.switchMode(auth.ModeJWT)
				s.awhile()
				equal(s, "state", s.account.Snapshot().State, auth.SignedIn)
				equal(s, "authenticated", s.account.Snapshot().Authenticated, true)
				s.recover()
				s.becomesBound(time.Hour) // what plex.tv has said no to is for tomorrow
				s.isBound()
				equal(s, "works", s.works(), true)
			}, auth.ModeLegacy)
		})
	}
}

// Answers that are dated in 1970 are answers.
func TestAPairingWithPlexTvsClockIn1970(t *testing.T) {
	b := newBox(t)
	b.sim.Fail(plextvsim.Fault{Skew: -56 * years})
	p := b.pair(auth.PinOptions{})
	equal(t, "time left", p.ExpiresAt.Sub(b.clock.Now()), timeout)
	b.poll()
	b.must(b.sim.Claim(p.Code, ""))
	e := b.passUntil(authChanged, interval)
	equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
	equal(t, "named", named(e), true)
}
