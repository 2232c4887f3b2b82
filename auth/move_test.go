// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// switchMode is a new configuration.
func (b *box) switchMode(mode auth.Mode) {
	b.Helper()
	b.options.Settings.Mode = mode
	b.must(b.account.Configure(b.soon(), b.options.Settings))
}

// quietly fails the test at an event that says that somebody signed in or out.
func (b *box) quietly(fits func(auth.Event) bool) func(auth.Event) bool {
	return func(e auth.Event) bool {
		if e.Auth != nil {
			b.Errorf("told: %v", *e.Auth)
		}
		if e.Snapshot.State == auth.Expired || e.Snapshot.State == auth.SignedOut {
			b.Errorf("state: %s", e.Snapshot.State)
		}
		return fits(e)
	}
}

// reachesQuietly lets time pass until the account is in the state.
func (b *box) reachesQuietly(state auth.State, step time.Duration) {
	b.Helper()
	if b.seen.State != state {
		b.passUntil(b.quietly(in(state)), step)
	}
}

// becomesBound lets time pass until the token is bound to a key.
func (b *box) becomesBound(step time.Duration) {
	b.Helper()
	if !bound(auth.Event{Snapshot: b.seen}) {
		b.passUntil(b.quietly(bound), step)
	}
}

func bound(e auth.Event) bool {
	return e.Snapshot.Mode == auth.ModeJWT && e.Snapshot.State == auth.SignedIn
}

func TestAMoveToADeviceKey(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	old, client := b.token(), b.disk().ClientID
	b.switchMode(auth.ModeJWT)
	b.becomesBound(time.Second)
	b.isBound()
	equal(t, "client identifier", b.disk().ClientID, client)
	equal(t, "works", b.works(), true)
	if b.token() == old {
		t.Error("the token is the old one")
	}
	b.idle() // the schedule has logged it
	b.told(auth.MessageMoved, "user_id=")
	b.toRenewal()
	b.isBound()
}

// Wherever the move is interrupted, on the way there or back, with or without the
// daemon being killed then, it ends well and nobody hears of it.
func TestAMoveThatIsInterrupted(t *testing.T) {
	endpoints := []plextvsim.Endpoint{
		plextvsim.RegisterKey, plextvsim.GetKeys, plextvsim.GetNonce, plextvsim.RefreshJWT,
	}
	faults := map[string]plextvsim.Fault{
		"never arrives": {Reset: true}, "answer is lost": {Lost: true}, "503": {Status: 503}, "429": {Status: 429},
		"captive portal": plextvsim.CaptivePortal(), "cut off": {CutOff: true},
	}
	for _, endpoint := range endpoints {
		for name, fault := range faults {
			fault.Endpoint = endpoint
			for _, killed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/killed=%t", endpoint, name, killed), func(t *testing.T) {
					t.Parallel()
					b := newBox(t)
					b.claimed(auth.PinOptions{})
					b.sim.Fail(fault)
					b.switchMode(auth.ModeJWT)
					b.untilAsked(endpoint, time.Second)
					if killed {
						b.restart(time.Minute)
					}
					b.sim.Clear()
					b.becomesBound(10 * time.Second)
					b.isBound()
					equal(t, "works", b.works(), true)
				})
			}
		}
	}
}

// The token of the move is in memory when the disk fails and the daemon is killed:
// the opaque token on the disk has ended, and its key has not.
func TestAMoveThatCannotBeWritten(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Delay: 2 * time.Second})
	b.switchMode(auth.ModeJWT)
	b.untilAsked(plextvsim.RefreshJWT, time.Millisecond)
	mend := b.breakDisk()
	b.sim.Clear()
	b.becomesBound(time.Second)
	equal(t, "works from memory", b.works(), true)
	mend()
	if state := b.disk(); strings.HasPrefix(state.Auth.Token.Reveal(), "eyJ") || state.DeviceKey == nil {
		t.Fatal("the disk has not failed")
	}
	b.restart(time.Minute)
	b.becomesBound(time.Second)
	b.isBound()
	equal(t, "works", b.works(), true)
}

func TestSomebodySignsOutDuringAMove(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RefreshJWT, Delay: 2 * time.Second})
	b.switchMode(auth.ModeJWT)
	b.untilAsked(plextvsim.RefreshJWT, time.Millisecond)
	b.must(b.account.Clear(b.soon()))
	b.clock.Advance(2 * time.Second)
	b.answered(1, plextvsim.RefreshJWT)
	b.close() // waits for the schedule
	if b.disk().Auth != nil {
		t.Error("the token came back")
	}
}

func TestAMoveWaitsForTheDisk(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	mend := b.breakDisk()
	b.switchMode(auth.ModeJWT)
	b.idle()
	equal(t, "keys shown to plex.tv before they are on disk", b.sim.Count(plextvsim.RegisterKey), 0)
	mend()
	b.becomesBound(time.Second)
	b.isBound()
}

// What plex.tv will not do leaves the box as it is, and is not asked for all day.
func TestAMoveThatPlexTvRefuses(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"managed user": {Endpoint: plextvsim.RegisterKey, Status: 403, Code: 1009},
		"key unknown":  {Endpoint: plextvsim.RefreshJWT, Status: 422, Code: 1097},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, func(s *setup) { s.auth.CheckEvery = 0 })
			b.claimed(auth.PinOptions{})
			b.sim.Fail(fault)
			b.switchMode(auth.ModeJWT)
			for range 3 * 24 {
				b.tick(time.Hour)
				b.idle()
			}
			now := b.account.Snapshot()
			equal(t, "state", now.State, auth.SignedIn)
			equal(t, "mode", now.Mode, auth.ModeLegacy)
			if asked := b.sim.Count(fault.Endpoint); asked < 3 || asked > 8 {
				t.Errorf("asked %d times in 3 days", asked)
			}
			b.sim.Clear()
			b.becomesBound(time.Hour)
			b.isBound()
		})
	}
}

// What plex.tv has refused to one token it need not refuse to the next.
func TestAMoveIsTriedAgainWithTheNextToken(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.RegisterKey, Status: 403, Code: 1009})
	b.switchMode(auth.ModeJWT)
	b.untilAsked(plextvsim.RegisterKey, time.Second)
	b.idle() // the schedule has logged that it tries again tomorrow
	b.told(auth.MessageNotMoved, "error=")
	b.sim.Clear()
	before := b.clock.Now()
	b.signIn(plextvsim.User{})
	b.becomesBound(time.Second)
	b.isBound()
	if took := b.clock.Since(before); took > time.Hour {
		t.Errorf("took %v", took)
	}
}

func TestAMoveWaitsForThePairing(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	p := b.pair(auth.PinOptions{})
	b.switchMode(auth.ModeJWT)
	b.poll()
	equal(t, "keys", b.sim.Count(plextvsim.RegisterKey), 0)
	b.must(b.account.CancelPin(b.soon(), p.ID))
	b.becomesBound(time.Second)
	b.isBound()
}

// Back to opaque tokens: the one that is held stays, and goes on being renewed;
// the next sign-in is another installation to plex.tv.
func TestTheWayBack(t *testing.T) {
	for _, signedOut := range []bool{true, false} {
		t.Run(fmt.Sprintf("signed out first: %t", signedOut), func(t *testing.T) {
			b := newBox(t, withDeviceKey)
			b.claimed(auth.PinOptions{})
			client := b.disk().ClientID
			b.switchMode(auth.ModeLegacy)
			now := b.account.Snapshot()
			equal(t, "mode", now.Mode, auth.ModeJWT)
			if !strings.Contains(now.ConfigWarning, "sign in again") {
				t.Errorf("advice: %q", now.ConfigWarning)
			}
			b.told(auth.MessageConfigWarning)
			b.toRenewal()
			b.isBound()
			if signedOut {
				_, err := b.account.SignOut(b.soon())
				b.must(err)
				equal(t, "advice", b.account.Snapshot().ConfigWarning, "")
			}
			b.claimed(auth.PinOptions{})
			now = b.account.Snapshot()
			equal(t, "mode", now.Mode, auth.ModeLegacy)
			equal(t, "advice", now.ConfigWarning, "")
			equal(t, "works", b.works(), true)
			state := b.disk()
			if state.ClientID == client || state.DeviceKey != nil {
				t.Error("the client identifier and its key are the old ones")
			}
			b.restart(time.Hour)
			b.reaches(auth.SignedIn)
			equal(t, "works after a restart", b.works(), true)
		})
	}
}

// A pairing that nobody claims leaves the token that is held alone.
func TestTheWayBackThatNobodyGoes(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	client := b.disk().ClientID
	b.switchMode(auth.ModeLegacy)
	p := b.pair(auth.PinOptions{Strong: true})
	if strings.Contains(p.AuthURI, client) {
		t.Error("the PIN was asked for with the client identifier of the device key")
	}
	b.restart(time.Second) // in the middle of it
	equal(t, "the same link after a restart", b.account.Snapshot().Pairing.AuthURI, p.AuthURI)
	b.must(b.account.CancelPin(b.soon(), p.ID))
	b.isBound()
	equal(t, "client identifier", b.disk().ClientID, client)
	b.must(b.account.Renew(b.soon()))
	b.isBound()
}

// plex.tv may refuse a key that it knows already for another PIN.
func TestASecondSignInWithTheSameKey(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		t.Run(fmt.Sprintf("refused: %t", refuses), func(t *testing.T) {
			b := newBox(t, withDeviceKey, func(s *setup) {
				s.sim.PinRefusesKnownKey, s.sim.SignOutKeepsKey = refuses, true
			})
			b.claimed(auth.PinOptions{})
			before := b.disk()
			_, err := b.account.SignOut(b.soon())
			b.must(err)
			b.claimed(auth.PinOptions{})
			b.isBound()
			after := b.disk()
			equal(t, "client identifier and key are new", after.ClientID != before.ClientID, refuses)
			equal(t, "both", after.DeviceKey.Kid != before.DeviceKey.Kid, refuses)
			equal(t, "works", b.works(), true)
		})
	}
}
