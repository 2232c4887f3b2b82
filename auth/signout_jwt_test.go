// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// leaveWhileSigningOut signs out at a plex.tv that has to be told twice, and does
// not wait for it.
func leaveWhileSigningOut(b *box) {
	b.Helper()
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SignOut, Status: 503, Times: 1})
	ctx, leave := context.WithCancel(b.soon())
	left := make(chan error, 1)
	go func() { _, err := b.account.SignOut(ctx); left <- err }()
	b.answered(1, plextvsim.SignOut) // and it is told once more after a pause
	leave()
	b.must(receive(b, left))
}

// A sign-out takes the key with it at plex.tv, and is not known there at once.
func TestAPairingWaitsForTheSignOutBeforeIt(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	leaveWhileSigningOut(b)
	paired := make(chan auth.Pairing, 1)
	go func() {
		pairing, err := b.account.RequestPin(b.soon(), auth.PinOptions{})
		if err != nil {
			t.Error(err)
		}
		paired <- pairing
	}()
	b.untilAsked(plextvsim.SignOut, time.Second)
	pairing := <-paired
	if b.lastOf(plextvsim.RequestPin) < b.lastOf(plextvsim.SignOut) {
		t.Error("the PIN is requested before plex.tv knows of the sign-out")
	}
	b.unread()
	b.must(b.sim.Claim(pairing.Code, ""))
	b.passUntil(authChanged, interval)
	b.isBound()
}

// The same for an opaque token that is brought in and bound to the key.
func TestAMoveWaitsForTheSignOutBeforeIt(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	leaveWhileSigningOut(b)
	b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(b.sim.AddUser(plextvsim.User{}))}))
	b.untilAsked(plextvsim.SignOut, time.Second)
	b.passUntil(func(auth.Event) bool { return b.account.Snapshot().Mode == auth.ModeJWT }, time.Second)
	b.isBound()
	equal(t, "works", b.works(), true)
	signedOut := b.asked(plextvsim.SignOut)
	if at := b.asked(plextvsim.RefreshJWT)[0]; at < signedOut[1] {
		t.Errorf("the key is used after %s, signed out with after %s", at, signedOut[1])
	}
}

// Without a key there is nothing to wait for.
func TestAPairingDoesNotWaitForASignOutWithoutAKey(t *testing.T) {
	b := newBox(t)
	b.claimed(auth.PinOptions{})
	leaveWhileSigningOut(b)
	b.pair(auth.PinOptions{}) // the clock stands still
	if b.lastOf(plextvsim.RequestPin) < b.lastOf(plextvsim.SignOut) {
		t.Error("the sign-out goes on after the PIN was requested")
	}
}

// lastOf is the place of the last request to the endpoint among all requests.
func (b *box) lastOf(endpoint plextvsim.Endpoint) (last int) {
	for i, r := range b.sim.Requests() {
		if r.Endpoint == endpoint {
			last = i
		}
	}
	return last
}
