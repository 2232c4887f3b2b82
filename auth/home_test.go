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

// household is a box whose account has a home: a child with a PIN, a guest
// without, both managed; and the admin may have a PIN.
type household struct {
	*box
	admin, child, guest string // UUIDs
}

const (
	adminPin = "1111"
	childPin = "2222"
)

func newHousehold(t *testing.T, changes ...func(*setup)) *household {
	t.Helper()
	b := newBox(t, changes...)
	admin := b.sim.AddUser(plextvsim.User{Username: "ann", PIN: adminPin, Resources: plextvsim.SampleResources()})
	h := &household{box: b}
	var err error
	h.child, err = b.sim.AddHomeUser(admin, plextvsim.User{Title: "Ben", Restricted: true, PIN: childPin})
	b.must(err)
	h.guest, err = b.sim.AddHomeUser(admin, plextvsim.User{Title: "Guest", Guest: true, Restricted: true})
	b.must(err)
	b.claimed(auth.PinOptions{})
	h.admin = b.account.Snapshot().User.UUID
	return h
}

func (h *household) switchTo(uuid, pin string) error {
	return h.account.SwitchUser(h.soon(), uuid, secret.New(pin))
}

// told are the reasons of all changes since the last call.
func (h *household) reasons() (list []auth.Reason) {
	for _, e := range h.unread() {
		if e.Auth != nil {
			list = append(list, e.Auth.Reason)
		}
	}
	return list
}

func bothModes(t *testing.T, test func(t *testing.T, mode func(*setup))) {
	t.Run("legacy", func(t *testing.T) { test(t, func(*setup) {}) })
	t.Run("jwt", func(t *testing.T) { test(t, withDeviceKey) })
}

func TestUsersTakeTurns(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newHousehold(t, mode)
		own := h.token()
		h.must(h.switchTo(h.child, childPin))
		now := h.account.Snapshot()
		equal(t, "user", now.User.Title, "Ben")
		equal(t, "restricted", now.User.Restricted, true)
		equal(t, "works", h.works(), true)
		if got := h.reasons(); len(got) != 1 || got[0] != auth.ReasonUserSwitched {
			t.Errorf("told: %v", got)
		}
		h.restart(time.Hour)
		h.reaches(auth.SignedIn)
		equal(t, "user after a restart", h.account.Snapshot().User.Title, "Ben")
		h.unread()
		h.must(h.switchTo(h.admin, adminPin))
		equal(t, "the token of the sign-in is back", h.token() == own, true)
		equal(t, "user", h.account.Snapshot().User.Username, "ann")
		if got := h.reasons(); len(got) != 1 || got[0] != auth.ReasonUserSwitched {
			t.Errorf("told: %v", got)
		}
		if h.disk().Owner != nil {
			t.Error("the admin is on the disk twice")
		}
	})
}

// plex.tv may let a protected user in without the PIN. The box does not.
func TestAProtectedUserNeedsThePin(t *testing.T) {
	h := newHousehold(t, func(s *setup) { s.sim.LetInWithoutPIN, s.sim.OwnSwitchWithoutPIN = true, true })
	wantCode(t, "no PIN", h.switchTo(h.child, ""), auth.PinRejected)
	equal(t, "switches tried at plex.tv", h.sim.Count(plextvsim.SwitchUser), 0)
	h.must(h.switchTo(h.guest, ""))
	wantCode(t, "back without the PIN", h.switchTo(h.admin, ""), auth.PinRejected)
	equal(t, "user", h.account.Snapshot().User.Title, "Guest")
}

func TestWrongPinsAreSlowedDown(t *testing.T) {
	h := newHousehold(t)
	for range 3 {
		wantCode(t, "wrong PIN", h.switchTo(h.child, "9999"), auth.PinRejected)
	}
	asked := h.sim.Count(plextvsim.SwitchUser)
	for range 3 { // also the right one waits, on all the restarts there are
		wantCode(t, "too soon", h.switchTo(h.child, childPin), auth.RateLimited)
		h.restart(time.Second)
		_, err := h.account.Validate(h.soon()) // then what plex.tv said of its time has arrived
		h.must(err)
	}
	equal(t, "asked plex.tv meanwhile", h.sim.Count(plextvsim.SwitchUser), asked)
	h.clock.Advance(30 * time.Second)
	wantCode(t, "wrong again", h.switchTo(h.child, "9998"), auth.PinRejected)
	h.clock.Advance(31 * time.Second)
	wantCode(t, "the pause has doubled", h.switchTo(h.child, childPin), auth.RateLimited)
	h.clock.Advance(30 * time.Second)
	h.must(h.switchTo(h.child, childPin))
	wantCode(t, "who knows one PIN guesses another", h.switchTo(h.admin, "9999"), auth.PinRejected)
	wantCode(t, "with the pause", h.switchTo(h.admin, "9998"), auth.RateLimited)
	h.clock.Advance(2*time.Minute + time.Hour)
	for range 2 {
		wantCode(t, "an hour later", h.switchTo(h.admin, "9999"), auth.PinRejected)
	}
	h.must(h.switchTo(h.admin, adminPin))
}

// Pulling the plug between the question and the answer is no way around the count.
func TestAKilledTryCounts(t *testing.T) {
	h := newHousehold(t)
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Delay: time.Minute})
	for n := range 3 {
		done := make(chan error, 1)
		asking, stop := context.WithCancel(t.Context())
		go func() { done <- h.account.SwitchUser(asking, h.child, secret.New("9999")) }()
		h.must(h.sim.Await(h.soon(), n+1, plextvsim.SwitchUser))
		kept := h.file()
		h.close()
		stop()
		<-done
		h.must(writeFile(h.path, string(kept)))
		h.open()
	}
	h.sim.Clear()
	wantCode(t, "the fourth", h.switchTo(h.child, childPin), auth.RateLimited)
}

// What plex.tv has not judged is not counted.
func TestATryThatDoesNotArriveIsNotCounted(t *testing.T) {
	h := newHousehold(t)
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Status: 503})
	for range 5 {
		wantCode(t, "no answer", h.switchTo(h.child, childPin), auth.ServerError)
	}
	h.sim.Clear()
	h.must(h.switchTo(h.child, childPin))
}

func TestASwitchThatCannotBeWritten(t *testing.T) {
	h := newHousehold(t)
	mend := h.breakDisk()
	wantCode(t, "SwitchUser", h.switchTo(h.child, childPin), auth.StorageFailed)
	equal(t, "guesses that plex.tv saw", h.sim.Count(plextvsim.SwitchUser), 0)
	equal(t, "user", h.account.Snapshot().User.Username, "ann")
	mend()
	h.must(h.switchTo(h.child, childPin))
}

func TestBadSwitches(t *testing.T) {
	h := newHousehold(t)
	wantCode(t, "no such user", h.switchTo("0123456789abcdef", ""), auth.NotFound)
	wantCode(t, "empty", h.switchTo("", ""), auth.InvalidArgs)
	for _, pin := range []string{"1", "12345", "abcd", "１２３４"} {
		wantCode(t, "PIN", h.switchTo(h.child, pin), auth.InvalidArgs)
	}
	_, err := h.account.SignOut(h.soon())
	h.must(err)
	wantCode(t, "signed out", h.switchTo(h.child, childPin), auth.AuthRequired)
	_, err = h.account.ListUsers(h.soon())
	wantCode(t, "signed out", err, auth.AuthRequired)
}

// The token of a switch expires: a user without a PIN gets another one and
// notices nothing, a protected one has to type it again.
func TestTheTokenOfASwitchEnds(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h := newHousehold(t, mode, func(s *setup) { s.sim.SwitchedLifetime, s.auth.CheckEvery = 14*24*time.Hour, 0 })
		h.must(h.switchTo(h.guest, ""))
		h.unread()
		for range 20 * 24 {
			h.tick(time.Hour)
			h.idle()
		}
		equal(t, "works", h.works(), true)
		if got := h.reasons(); len(got) != 0 {
			t.Errorf("told: %v", got)
		}
		h.must(h.switchTo(h.child, childPin))
		h.unread()
		e := h.passUntil(authChanged, 6*time.Hour)
		equal(t, "authenticated", e.Snapshot.Authenticated, false)
		equal(t, "user", e.Snapshot.User.Title, "Ben")
		h.must(h.switchTo(h.child, childPin))
		equal(t, "works", h.works(), true)
		equal(t, "state", h.account.Snapshot().State, auth.SignedIn)
	})
}

// An outage that refused everybody is over: who signed in comes back with the PIN.
func TestASwitchHealsARefusedSignIn(t *testing.T) {
	h := newHousehold(t)
	h.expire(h.token())
	h.must(h.sim.Refuse(h.token(), 0))
	h.unread()
	h.must(h.switchTo(h.admin, adminPin))
	equal(t, "state", h.account.Snapshot().State, auth.SignedIn)
	equal(t, "works", h.works(), true)
}

// plex.tv may end the tokens of switches when it gives the device a new one.
func TestARenewalBehindASwitch(t *testing.T) {
	h := newHousehold(t, withDeviceKey, func(s *setup) { s.sim.JWTKillsSwitched = true })
	h.must(h.switchTo(h.guest, ""))
	h.unread()
	h.toRenewal()
	good, err := h.account.Validate(h.soon())
	h.must(err)
	equal(t, "good", good, true)
	equal(t, "user", h.account.Snapshot().User.Title, "Guest")
	equal(t, "works", h.works(), true)
	if got := h.reasons(); len(got) != 0 {
		t.Errorf("told: %v", got)
	}
	h.must(h.switchTo(h.admin, adminPin))
	h.isBound()
	equal(t, "works", h.works(), true)
}

func TestSignOutForgetsTheWholeHome(t *testing.T) {
	h := newHousehold(t)
	own := h.token()
	h.must(h.switchTo(h.child, childPin))
	child := h.token()
	wantCode(t, "wrong PIN", h.switchTo(h.admin, "9999"), auth.PinRejected)
	revoked, err := h.account.SignOut(h.soon())
	h.must(err)
	equal(t, "revoked", revoked, true)
	state := h.disk()
	if state.Auth != nil || state.Owner != nil || state.Servers != nil {
		t.Error("something of the account is left on the disk")
	}
	if state.HomePin == nil {
		t.Error("signing out makes up for a wrong PIN")
	}
	for name, token := range map[string]string{"admin": own, "child": child} {
		good, err := h.account.ValidateToken(h.soon(), secret.New(token))
		h.must(err)
		equal(t, name+"'s token is good", good, false)
	}
}
