// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// newGuestsBox is a household whose guest, who has no PIN, uses the box.
func newGuestsBox(t *testing.T, changes ...func(*setup)) *household {
	t.Helper()
	h := newHousehold(t, changes...)
	h.must(h.switchTo(h.guest, ""))
	h.must(h.account.SelectServer(h.soon(), auth.Server{MachineID: "m1", URI: "https://m1.example:32400"}))
	return h
}

// plex.tv gives a new token and says nothing of whose it is: it is that of the user
// who was asked for.
func TestANewTokenOfAHomeUserWithoutAName(t *testing.T) {
	h := newGuestsBox(t)
	before := *h.account.Snapshot().User
	h.must(h.sim.Revoke(h.token()))
	next := h.sim.AddUser(plextvsim.User{Title: "somebody with a token"})
	h.sim.Fail(plextvsim.Fault{
		Endpoint: plextvsim.SwitchUser, Status: http.StatusCreated, Body: `{"authToken":"` + next + `"}`, Times: 1,
	})
	h.validate(true)
	equal(t, "token", h.token() == next, true)
	equal(t, "user", *h.account.Snapshot().User, before)
	equal(t, "server", h.account.Snapshot().Server.MachineID, "m1")
}

// Who cannot be read in the list of the home's users has not been removed from it: the
// box must not become the admin's.
func TestAHomeUserWhoCannotBeReadIsNotRemoved(t *testing.T) {
	h := newChildsBox(t)
	h.must(h.sim.Revoke(h.token()))
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Body: `{"id":1,"users":[` +
		`{"id":1,"uuid":"` + h.admin + `","title":"ann","admin":true,"protected":true},{"uuid":{},"title":"Ben"}]}`})
	_, err := h.account.Validate(h.soon())
	wantCode(t, "Validate", err, auth.InvalidResponse)
	for range 30 {
		h.tick(time.Minute)
		h.idle()
	}
	equal(t, "user", h.account.Snapshot().User.Title, "Ben")
	equal(t, "state", h.account.Snapshot().State, auth.Unverified)
	h.sim.Clear()
	equal(t, "change", *h.wind(time.Minute, authChanged).Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
}

// What names a home user may be missing wherever plex.tv has been asked for it.
func TestAHomeUserWhomPlexTvHasNeverNamedIsNotRemoved(t *testing.T) {
	h := newHousehold(t, unlocked)
	nameless := plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Status: http.StatusCreated, Times: 1}
	nameless.Body = `{"authToken":"` + h.sim.AddUser(plextvsim.User{Title: "somebody with a token"}) + `"}`
	h.sim.Fail(nameless)
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Times: 1, Body: `{"id":1,"users":[{"uuid":"` + h.guest + `","protected":false}]}`})
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: http.StatusServiceUnavailable})
	h.must(h.switchTo(h.guest, ""))
	h.sim.Clear()
	h.must(h.sim.Revoke(h.token()))
	h.unread()
	_, _ = h.account.Validate(h.soon())
	e := h.wind(askAgain, func(e auth.Event) bool { return e.Auth != nil })
	equal(t, "change", *e.Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
}

// Only a list of users without this one says that the user was removed. A home that
// plex.tv does not know for a while must not hand the box to its admin, who may have a PIN.
func TestAMissingHomeRemovesNobody(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"404":   {Endpoint: plextvsim.HomeUsers, Status: http.StatusNotFound},
		"null":  {Endpoint: plextvsim.HomeUsers, Body: `null`},
		"empty": {Endpoint: plextvsim.HomeUsers, Body: `{"id":1,"users":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newChildsBox(t)
			h.must(h.sim.Revoke(h.token()))
			h.sim.Fail(fault)
			h.validate(false)
			equal(t, "change", *h.wind(askAgain, authChanged).Auth, auth.AuthChange{Reason: auth.ReasonUserLocked})
			h.sim.Clear()
			h.must(h.switchTo(h.child, childPin))
			equal(t, "user", h.account.Snapshot().User.Title, "Ben")
		})
	}
}
