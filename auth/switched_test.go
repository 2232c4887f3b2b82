// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// newSwitchedBox is a box that a home user without a PIN is using, whose token
// ends after a day.
func newSwitchedBox(t *testing.T) *box {
	t.Helper()
	b := newBox(t, func(s *setup) { s.sim.SwitchedLifetime = 24 * time.Hour })
	owner := b.signIn(plextvsim.User{Resources: plextvsim.SampleResources()})
	uuid, err := b.sim.AddHomeUser(owner, plextvsim.User{Username: "kid", Restricted: true})
	b.must(err)
	b.must(b.account.SwitchUser(b.soon(), uuid, secret.String{}))
	b.unread()
	return b
}

func TestServersAreListedWithAnotherTokenWhenAHomeUsersHasEnded(t *testing.T) {
	b := newSwitchedBox(t)
	b.clock.Advance(25 * time.Hour)
	servers, err := b.account.ListServers(b.soon())
	b.must(err)
	equal(t, "servers", len(servers) > 0, true)
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

// The home user's token has ended, and who signed in is refused once, for nothing.
func TestOneRefusalOfWhoSignedInEndsNoHomeUsersSession(t *testing.T) {
	b := newSwitchedBox(t)
	b.clock.Advance(25 * time.Hour)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Status: 401, Times: 1})
	if _, err := b.account.ListServers(b.soon()); err == nil {
		t.Error("a list, though nobody could ask for it")
	}
	b.clock.Advance(confirmAfter)
	if good, err := b.account.Validate(b.soon()); !good {
		t.Error("the token is not good:", err)
	}
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

// Somebody else signs in while plex.tv looks for the home user.
func TestASwitchDoesNotLandInAnothersSignIn(t *testing.T) {
	for name, anonymous := range map[string]bool{"": false, "who signed in has no name yet": true} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			if anonymous {
				h.signInNameless()
			}
			h.unread()
			h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Delay: time.Second, Times: 1})
			switched := make(chan error, 1)
			go func() { switched <- h.switchTo(h.guest, "") }()
			h.must(h.sim.Await(h.soon(), 1, plextvsim.SwitchUser))
			h.sim.Clear()
			h.signIn(plextvsim.User{Username: "eve"})
			h.tick(time.Second)
			wantCode(t, "switch", receive(h.box, switched), auth.AuthRequired)
			equal(t, "user", h.account.Snapshot().User.Username, "eve")
			if reasons := h.reasons(); len(reasons) != 0 {
				t.Errorf("told: %v", reasons)
			}
			equal(t, "who signed in, kept as owner", h.disk().Owner, nil)
		})
	}
}

// signInNameless signs in again, while plex.tv does not say who that is.
func (h *household) signInNameless() {
	h.Helper()
	h.must(h.account.Clear(h.soon()))
	h.unread()
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Body: "[]"})
	p := h.pair(auth.PinOptions{})
	h.must(h.sim.Claim(p.Code, ""))
	e := h.passUntil(authChanged, interval)
	equal(h, "id", e.Snapshot.Credentials.UserID, "")
}
