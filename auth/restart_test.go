// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestAPairingGoesOnAfterARestart(t *testing.T) {
	for name, strong := range map[string]bool{"short": false, "strong": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{Strong: strong})
			b.restart(0)
			equal(t, "pairing", b.account.Snapshot().Pairing, p)
			equal(t, "state", b.account.Snapshot().State, auth.PairingNow)
			equal(t, "pairing for the next caller", b.pair(auth.PinOptions{}), p)

			b.must(b.sim.Claim(p.Code, ""))
			b.restart(0)
			e := b.passUntil(ended, interval)
			equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinClaimed})
			equal(t, "state", e.Snapshot.State, auth.SignedIn)
			equal(t, "PINs at plex.tv", len(b.sim.Pins()), 1)
		})
	}
}

func TestAPairingThatRanOutWhileTheBoxWasOff(t *testing.T) {
	for name, claim := range map[string]bool{"unclaimed": false, "claimed": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			p := b.pair(auth.PinOptions{})
			want := auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut}
			if claim {
				b.must(b.sim.Claim(p.Code, ""))
				want.Result = auth.PinClaimed
			}
			b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.CheckPin, Delay: time.Second, Times: 1})
			b.restart(2 * timeout)
			b.tick(time.Second) // the question is asked at once
			equal(t, "end", *b.await(ended).PinEnd, want)
		})
	}
}

func TestAClockThatWasSetBackDoesNotStretchAPairing(t *testing.T) {
	b := newBox(t)
	b.clock.Advance(365 * 24 * time.Hour / 2)
	p := b.pair(auth.PinOptions{})
	b.restart(-100 * 24 * time.Hour)
	b.tick(timeout)
	equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinTimedOut})
}

// Plex.tv may show a token once only, so a daemon that is killed between the
// claim and the sign-in must know it.
func TestKilledBetweenClaimAndSignIn(t *testing.T) {
	b := newBox(t, func(s *setup) { s.sim.TokenOnce = true })
	p := b.pair(auth.PinOptions{})
	b.must(b.sim.Claim(p.Code, ""))
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Second, Times: 1})
	b.tick(interval)
	b.must(b.sim.Await(b.soon(), 1, plextvsim.GetUser))
	equal(t, "state", b.account.Snapshot().State, auth.PairingNow)
	b.restart(10 * time.Second) // until nobody waits for the clock any more
	equal(t, "pairing", b.account.Snapshot().Pairing, p)
	b.tick(interval)
	e := b.await(ended)
	equal(t, "end", *e.PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinClaimed})
	equal(t, "questions about the PIN", len(b.asked(plextvsim.CheckPin)), 1)
	if kept := b.disk(); kept.Pairing != nil || !kept.Auth.Token.Equal(e.Snapshot.Credentials.Token) {
		t.Errorf("on disk after the sign-in: %+v", kept)
	}
}

func TestSignedInAtOnceAfterARestart(t *testing.T) {
	b := newBox(t)
	token := b.signIn(plextvsim.User{Username: "alice", HomeAdmin: true, Restricted: true})
	b.must(b.account.SelectServer(b.soon(), auth.Server{MachineID: "abc", URI: "https://10.0.0.2:32400"}))
	before := b.account.Snapshot()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: time.Second, Times: 1})
	b.restart(0)
	now := b.account.Snapshot()
	equal(t, "authenticated", now.Authenticated, true)
	equal(t, "state before plex.tv was asked", now.State, auth.Unverified)
	equal(t, "user", *now.User, *before.User)
	equal(t, "server", now.Server, before.Server)
	equal(t, "token in the headers", now.Headers["X-Plex-Token"], token)
	b.must(b.sim.Await(b.soon(), 2, plextvsim.GetUser))
	b.tick(time.Second)
	if e := b.await(in(auth.SignedIn)); e.Auth != nil {
		t.Errorf("nobody has signed in, but %v came", *e.Auth)
	}
}

func TestClientIdentifierIsMadeOnce(t *testing.T) {
	b := newBox(t)
	first := b.disk().ClientID
	b.signIn(plextvsim.User{})
	b.must(b.account.Clear(b.soon()))
	b.restart(0)
	equal(t, "client identifier", b.account.Snapshot().Headers["X-Plex-Client-Identifier"], first)
	equal(t, "client identifier on disk", b.disk().ClientID, first)
	other := newBox(t)
	if other.disk().ClientID == first {
		t.Error("two boxes have the same client identifier")
	}
}
