// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// newChildsBox is a household whose child uses the box.
func newChildsBox(t *testing.T, changes ...func(*setup)) *household {
	t.Helper()
	h := newHousehold(t, append(changes, unlocked)...)
	h.must(h.switchTo(h.child, childPin))
	_, err := h.account.ListServers(h.soon())
	h.must(err)
	h.unread()
	return h
}

// lockOut ends the child's token until that is believed.
func (h *household) lockOut() {
	h.Helper()
	h.must(h.sim.Revoke(h.token()))
	h.validate(false)
	equal(h, "state after a refusal", h.account.Snapshot().State, auth.Unverified)
	e := h.wind(askAgain, authChanged)
	equal(h, "change", *e.Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
	equal(h, "state", e.Snapshot.State, auth.Locked)
}

func TestAProtectedUserIsLockedOut(t *testing.T) {
	for name, unlock := range map[string]func(*household) error{
		"with the PIN": func(h *household) error { return h.switchTo(h.child, childPin) },
		"as another":   func(h *household) error { return h.switchTo(h.guest, "") },
		"as the admin": func(h *household) error { return h.switchTo(h.admin, adminPin) },
	} {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				h := newChildsBox(t, mode)
				h.lockOut()
				h.isLocked()
				h.restart(time.Hour)
				h.isLocked()
				wantCode(t, "wrong PIN", h.switchTo(h.child, "9999"), auth.PinRejected)
				h.isLocked()
				h.unread()
				h.must(unlock(h))
				equal(t, "state", h.account.Snapshot().State, auth.SignedIn)
				equal(t, "works", h.works(), true)
				if got := h.reasons(); len(got) != 1 || got[0] != auth.ReasonUserSwitched {
					t.Errorf("told: %v", got)
				}
			})
		})
	}
}

// isLocked checks what a box answers whose user has to enter the PIN again.
func (h *household) isLocked() {
	h.Helper()
	now := h.account.Snapshot()
	equal(h, "state", now.State, auth.Locked)
	equal(h, "authenticated", now.Authenticated, false)
	equal(h, "user", now.User.Title, "Ben")
	equal(h, "token in the headers", now.Headers["X-Plex-Token"], "")
	_, err := h.account.Token()
	wantCode(h, "Token", err, auth.UserLocked)
	_, err = h.account.ListServers(h.soon())
	wantCode(h, "ListServers", err, auth.UserLocked)
	_, err = h.account.ServerHeaders(h.soon(), "any")
	wantCode(h, "ServerHeaders", err, auth.UserLocked)
	users, err := h.account.ListUsers(h.soon())
	h.must(err)
	equal(h, "users to choose from", len(users), 3)
	h.validate(false)
}

func TestASignOutEndsALock(t *testing.T) {
	h := newChildsBox(t)
	h.lockOut()
	_, err := h.account.SignOut(h.soon())
	h.must(err)
	equal(t, "state", h.account.Snapshot().State, auth.SignedOut)
	equal(t, "owner on the disk", h.disk().Owner == nil, true)
}

// The parents take the PIN away: the child may go on.
func TestALockEndsWithThePin(t *testing.T) {
	h := newChildsBox(t)
	h.lockOut()
	h.must(h.sim.SetPIN(h.child, ""))
	e := h.wind(askAgain, authChanged)
	equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
	equal(t, "user", e.Snapshot.User.Title, "Ben")
	equal(t, "works", h.works(), true)
}

func TestARemovedUserLeavesTheBoxToWhoSignedIn(t *testing.T) {
	for name, begin := range map[string]func(*household){
		"in use": func(*household) {},
		"locked": func(h *household) {
			h.lockOut()
			h.idle() // the question that locked is over, too
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				h := newChildsBox(t, mode)
				begin(h)
				h.clock.Advance(time.Second) // what was asked before is not the answer any more
				h.must(h.sim.RemoveHomeUser(h.child))
				h.validate(name != "in use")
				e := h.account.Snapshot()
				if name == "in use" {
					equal(t, "state after a refusal", e.State, auth.Unverified)
					h.wind(askAgain, authChanged)
					h.isUsedByTheAdmin()
					return
				}
				equal(t, "change", *h.await(authChanged).Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonUserSwitched})
				h.isUsedByTheAdmin()
			})
		})
	}
}

func (h *household) isUsedByTheAdmin() {
	h.Helper()
	now := h.account.Snapshot()
	equal(h, "state", now.State, auth.SignedIn)
	equal(h, "user", now.User.Username, "ann")
	equal(h, "works", h.works(), true)
	equal(h, "owner on the disk", h.disk().Owner == nil, true)
	servers, err := h.account.ListServers(h.soon())
	h.must(err)
	equal(h, "servers", len(servers) > 0, true)
}

// While who signed in cannot be asked nothing is decided about the home's user.
func TestNobodyIsLockedOutUnasked(t *testing.T) {
	h := newChildsBox(t)
	h.must(h.sim.Revoke(h.token()))
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Status: 503})
	asked := h.sim.Count(plextvsim.GetUser)
	h.account.Wake()
	go func() { _, _ = h.account.Validate(h.soon()) }()
	for range 60 {
		h.tick(time.Minute)
		h.idle()
	}
	equal(t, "state", h.account.Snapshot().State, auth.Unverified)
	if n := h.sim.Count(plextvsim.GetUser) - asked; n > 15 {
		t.Errorf("asked %d times in an hour", n)
	}
	h.sim.Clear()
	equal(t, "change", *h.wind(time.Minute, authChanged).Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
}

// plex.tv answers 401 to everybody while a child uses the box.
func TestAnOutageOfSignInsWhileAChildUsesTheBox(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newChildsBox(t, mode)
		h.sim.Fail(plextvsim.Fault{Status: 401, For: time.Hour})
		h.validate(false)
		e := h.wind(askAgain, authChanged)
		equal(t, "change", *e.Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
		equal(t, "state", e.Snapshot.State, auth.Expired)
		e = h.wind(time.Minute, authChanged)
		equal(t, "change", *e.Auth, auth.AuthChange{Authenticated: true, Reason: auth.ReasonSignedIn})
		equal(t, "user", e.Snapshot.User.Title, "Ben")
	})
}

// First the child's token ends, then the sign-in.
func TestASignInEndsBehindALock(t *testing.T) {
	h := newChildsBox(t)
	h.lockOut()
	owner := h.disk().Owner.Token.Reveal()
	h.must(h.sim.Revoke(owner))
	e := h.wind(askAgain, authChanged)
	equal(t, "change", *e.Auth, auth.AuthChange{Reason: auth.ReasonRevoked})
	equal(t, "state", e.Snapshot.State, auth.Expired)
	// plex.tv takes it again, and somebody looks at the list of users.
	h.must(h.sim.Refuse(owner, 0))
	_, err := h.account.ListUsers(h.soon())
	h.must(err)
	equal(t, "change", *h.await(authChanged).Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
	equal(t, "state", h.account.Snapshot().State, auth.Locked)
}

// A frontend that does not know the state shows a code, which somebody may claim.
func TestALockedBoxPairs(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newChildsBox(t, mode)
		h.lockOut()
		p := h.pair(auth.PinOptions{})
		equal(t, "state", h.account.Snapshot().State, auth.PairingNow)
		_, err := h.account.Token()
		wantCode(t, "Token", err, auth.UserLocked)
		h.must(h.account.CancelPin(h.soon(), p.ID))
		equal(t, "state after a cancel", h.account.Snapshot().State, auth.Locked)
		h.claimed(auth.PinOptions{})
		equal(t, "state after a claim", h.account.Snapshot().State, auth.SignedIn)
		equal(t, "user", h.account.Snapshot().User.Username, "ann")
		equal(t, "owner on the disk", h.disk().Owner == nil, true)
	})
}
