// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// moveTo lets the configuration name another address of plex.tv, as a reload does,
// or a restart with it.
func (b *box) moveTo(url string, restart bool) {
	b.Helper()
	b.options.Settings.Identity.PlexURL = url
	if restart {
		b.close()
		b.must(b.options.Plex.Redirect(url, 0))
		b.open()
		return
	}
	b.must(b.options.Plex.Redirect(url, 0))
	b.must(b.account.Configure(b.soon(), b.options.Settings))
}

// otherPlex is another plex.tv, at an address of its own.
func (b *box) otherPlex() (sim *plextvsim.Sim, url string) {
	sim = plextvsim.New(plextvsim.Options{Clock: b.clock})
	server := sim.Start()
	b.Cleanup(server.Close)
	return sim, server.URL
}

// A token belongs to the address that gave it: no other hears of it, and the box is
// signed in again when the address is back.
func TestATokenStaysAtItsAddress(t *testing.T) {
	for name, restart := range map[string]bool{"reload": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				h := newHousehold(t, mode)
				h.moveTo(h.server.URL, restart)
				token, client := h.token(), h.disk().ClientID
				other, there := h.otherPlex()

				h.reaches(auth.SignedIn) // asked about after a restart
				h.unread()
				asked := len(h.sim.Requests())
				h.moveTo(there, restart)
				equal(t, "state", h.account.Snapshot().State, auth.SignedOut)
				if warning := h.account.Snapshot().ConfigWarning; !strings.Contains(warning, h.server.URL) {
					t.Errorf("warning: %q", warning)
				}
				h.told(auth.MessageConfigWarning)
				_, err := h.account.Validate(h.soon())
				wantCode(t, "Validate", err, auth.AuthRequired)
				if !restart {
					equal(t, "told", *h.await(authChanged).Auth, auth.AuthChange{Reason: auth.ReasonSignedOut})
				}
				equal(t, "asked at the old address", len(h.sim.Requests()), asked)
				for _, r := range other.Requests() {
					t.Errorf("the other address was asked for %s", r.Path)
				}

				h.moveTo(h.server.URL, restart)
				equal(t, "the token is back", h.token() == token, true)
				equal(t, "client identifier", h.disk().ClientID, client)
				equal(t, "warning", h.account.Snapshot().ConfigWarning, "")
				h.reaches(auth.SignedIn)
				h.must(h.switchTo(h.child, childPin))
			})
		})
	}
}

// Of several addresses that were left the last with a sign-in is remembered, not one
// where nobody is signed in any more.
func TestASignInWaitsWhileOthersAreTried(t *testing.T) {
	b := newBox(t, withDeviceKey)
	b.claimed(auth.PinOptions{})
	b.moveTo(b.server.URL, false)
	token := b.token()
	for range 2 {
		other, there := b.otherPlex()
		b.moveTo(there, false)
		p := b.pair(auth.PinOptions{})
		b.unread()
		b.must(other.Claim(p.Code, ""))
		b.passUntil(authChanged, interval)
		b.must(b.account.Clear(b.soon()))
		equal(t, "the key stays", b.disk().DeviceKey != nil, true)
	}
	b.moveTo(b.server.URL, false)
	equal(t, "the token is back", b.token() == token, true)
}

// A pairing under way ends, and its PIN's id goes nowhere else.
func TestAPinStaysAtItsAddress(t *testing.T) {
	b := newBox(t)
	b.moveTo(b.server.URL, false)
	p := b.pair(auth.PinOptions{})
	other, there := b.otherPlex()
	b.moveTo(there, false)
	equal(t, "end", *b.await(ended).PinEnd, auth.PinEnd{ID: p.ID, Result: auth.PinCancelled})
	b.must(b.sim.Claim(p.Code, ""))
	for range 5 {
		b.pass(time.Minute)
	}
	equal(t, "asked elsewhere", len(other.Requests()), 0)
	// Back in time the claim is noticed: its token is not left behind.
	b.moveTo(b.server.URL, false)
	b.settles()
	equal(t, "revoked", b.sim.Count(plextvsim.SignOut), 1)
	equal(t, "state", b.account.Snapshot().State, auth.SignedOut)
}

// The answer to a switch comes when the box is at another address, where the same
// person has signed in.
func TestASwitchStaysAtItsAddress(t *testing.T) {
	h := newHousehold(t)
	h.moveTo(h.server.URL, false)
	other, there := h.otherPlex()
	h.moveTo(there, false)
	p := h.pair(auth.PinOptions{})
	h.unread()
	here := h.disk().Away.Auth.UserID
	h.must(other.Claim(p.Code, ""))
	h.passUntil(authChanged, interval)
	token := h.token()
	equal(t, "the same person", h.account.Snapshot().User.ID, here)

	h.moveTo(h.server.URL, false)
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Delay: time.Second, Times: 1})
	switched := make(chan error, 1)
	go func() { switched <- h.switchTo(h.child, childPin) }()
	h.must(h.sim.Await(h.soon(), 1, plextvsim.SwitchUser))
	h.moveTo(there, false)
	for len(switched) == 0 {
		h.pass(time.Second)
	}
	wantCode(t, "SwitchUser", receive(h, switched), auth.Unreachable)
	equal(t, "the token is the one of this address", h.token() == token, true)
}
