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

// overtaken asks, and lets somebody do something else before plex.tv answers.
func overtaken[T any](h *household, slow plextvsim.Endpoint, ask func(context.Context) (T, error), meanwhile func()) (T, error) {
	h.Helper()
	h.sim.Fail(plextvsim.Fault{Endpoint: slow, Delay: 3 * time.Second, Times: 1})
	before := h.sim.Count(slow)
	var answer T
	done, ctx := make(chan error, 1), h.soon()
	go func() {
		var err error
		answer, err = ask(ctx)
		done <- err
	}()
	h.must(h.sim.Await(h.soon(), before+1, slow))
	meanwhile()
	h.tick(3 * time.Second)
	return answer, receive(h.box, done)
}

// A slow answer was asked for by the admin, and comes when the child has the box.
func TestNoMediaServersTokenForWhoIsNotTheUserAnyMore(t *testing.T) {
	for name, ask := range map[string]func(*household, string) func(context.Context) (auth.Headers, error){
		"GetServerHeaders": func(h *household, id string) func(context.Context) (auth.Headers, error) {
			return func(ctx context.Context) (auth.Headers, error) { return h.account.ServerHeaders(ctx, id) }
		},
		"RenewServerHeaders": func(h *household, id string) func(context.Context) (auth.Headers, error) {
			return func(ctx context.Context) (auth.Headers, error) { return h.account.RenewServerHeaders(ctx, id) }
		},
	} {
		t.Run(name+", a user with the same media server", func(t *testing.T) {
			h, machineID := newHouseholdWithAServer(t)
			headers, err := overtaken(h, plextvsim.Resources, ask(h, machineID), func() { h.must(h.switchTo(h.guest, "")) })
			h.must(err)
			now, err := h.account.ServerHeaders(h.soon(), machineID)
			h.must(err)
			equal(t, "the token is of who uses the box", headers["X-Plex-Token"] == now["X-Plex-Token"], true)
		})
		t.Run(name+", a user without it", func(t *testing.T) {
			h, machineID := newHouseholdWithAServer(t)
			headers, err := overtaken(h, plextvsim.Resources, ask(h, machineID), func() { h.must(h.switchTo(h.child, childPin)) })
			wantCode(t, "answer", err, auth.NotFound)
			equal(t, "headers", len(headers), 0)
		})
		t.Run(name+", signed out", func(t *testing.T) {
			h, machineID := newHouseholdWithAServer(t)
			headers, err := overtaken(h, plextvsim.Resources, ask(h, machineID), func() { h.must(h.account.Clear(h.soon())) })
			wantCode(t, "answer", err, auth.AuthRequired)
			equal(t, "headers", len(headers), 0)
		})
	}
}

// newHouseholdWithAServer knows no list of media servers yet.
func newHouseholdWithAServer(t *testing.T) (h *household, machineID string) {
	t.Helper()
	h = &household{box: newBox(t)}
	servers := plextvsim.SampleResources()
	servers[0].ClientIdentifier = "machine"
	admin := h.sim.AddUser(plextvsim.User{Username: "ann", PIN: adminPin, Resources: servers})
	var err error
	h.child, err = h.sim.AddHomeUser(admin, plextvsim.User{Title: "Ben", PIN: childPin, Resources: []plextvsim.Resource{}})
	h.must(err)
	h.guest, err = h.sim.AddHomeUser(admin, plextvsim.User{Title: "Teen", Resources: servers})
	h.must(err)
	h.claimed(auth.PinOptions{})
	return h, servers[0].ClientIdentifier
}

func TestNoAnswerForWhoIsSignedOut(t *testing.T) {
	for name, test := range map[string]struct {
		slow plextvsim.Endpoint
		ask  func(*household, context.Context) error
	}{
		"ListServers": {plextvsim.Resources, func(h *household, ctx context.Context) error {
			_, err := h.account.ListServers(ctx)
			return err
		}},
		"ListUsers": {plextvsim.HomeUsers, func(h *household, ctx context.Context) error {
			_, err := h.account.ListUsers(ctx)
			return err
		}},
		"Validate": {plextvsim.GetUser, func(h *household, ctx context.Context) error {
			_, err := h.account.Validate(ctx)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			ask := func(ctx context.Context) (struct{}, error) { return struct{}{}, test.ask(h, ctx) }
			_, err := overtaken(h, test.slow, ask, func() { h.must(h.account.Clear(h.soon())) })
			wantCode(t, name, err, auth.AuthRequired)
		})
	}
}

// Somebody else has signed in: the home is theirs.
func TestListUsersIsOfWhoIsSignedIn(t *testing.T) {
	h := newHousehold(t)
	users, err := overtaken(h, plextvsim.HomeUsers, h.account.ListUsers, func() {
		h.must(h.account.Clear(h.soon()))
		h.signIn(plextvsim.User{Username: "eve"})
	})
	h.must(err)
	equal(t, "users", len(users), 1)
	equal(t, "user", users[0].Title, "eve")
}

// Ann signs out and in again while plex.tv is asked: the token in the answer is that of
// the first sign-in.
func TestNoAnswerFromAnEarlierSignInOfTheSamePerson(t *testing.T) {
	h, machineID := newHouseholdWithAServer(t)
	other := secret.New(h.token())
	h.claimed(auth.PinOptions{})
	ask := func(ctx context.Context) (auth.Headers, error) { return h.account.ServerHeaders(ctx, machineID) }
	headers, err := overtaken(h, plextvsim.Resources, ask, func() {
		h.must(h.account.Clear(h.soon()))
		h.must(h.account.Store(h.soon(), auth.Credentials{Token: other}))
	})
	h.must(err)
	equal(t, "the token is of this sign-in", headers["X-Plex-Token"] == other.Reveal(), true)
}
