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
