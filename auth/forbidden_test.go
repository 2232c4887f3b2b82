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

// What plex.tv forbids says nothing against the token, whatever code comes with it.
func TestForbiddenIsNoReasonToSignInAgain(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"managed user": {Code: 1009}, "not this user": {Code: 1043}, "no code": {Status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			bothModes(t, func(t *testing.T, mode func(*setup)) {
				h := newHousehold(t, mode)
				h.unread()
				h.sim.Fail(fault)
				for name, ask := range map[string]func(context.Context) error{
					"ListUsers":     func(ctx context.Context) error { _, err := h.account.ListUsers(ctx); return err },
					"SwitchUser":    func(ctx context.Context) error { return h.account.SwitchUser(ctx, h.guest, secret.String{}) },
					"ListServers":   func(ctx context.Context) error { _, err := h.account.ListServers(ctx); return err },
					"ServerHeaders": func(ctx context.Context) error { _, err := h.account.ServerHeaders(ctx, "m"); return err },
					"StoreCredentials": func(ctx context.Context) error {
						return h.account.Store(ctx, auth.Credentials{Token: secret.New("other")})
					},
					"RequestPin": func(ctx context.Context) error { _, err := h.account.RequestPin(ctx, auth.PinOptions{}); return err },
				} {
					wantCode(t, name, ask(h.soon()), auth.Forbidden)
				}
				h.validate(false)
				good, err := h.account.ValidateToken(h.soon(), secret.New(h.token()))
				h.must(err)
				equal(t, "ValidateToken", good, false)
				equal(t, "state", h.account.Snapshot().State, auth.SignedIn)
				if got := h.reasons(); len(got) != 0 {
					t.Errorf("told: %v", got)
				}
			})
		})
	}
}

// A PIN is asked for where it helps: at the switch to a user who has one.
func TestPinIsAskedForWhereItHelps(t *testing.T) {
	h := newHousehold(t)
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Code: 1041})
	_, err := h.account.ListUsers(h.soon())
	wantCode(t, "ListUsers", err, auth.Forbidden)
	h.sim.Clear()
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Code: 1043})
	wantCode(t, "a user one may not be", h.switchTo(h.child, childPin), auth.Forbidden)
	h.sim.Clear()
	// plex.tv says that the child has no PIN, and wants it.
	h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.HomeUsers, Body: `{"id":1,"users":[
		{"id":7,"uuid":"` + h.child + `","title":"Ben","protected":false}]}`})
	wantCode(t, "without", h.switchTo(h.child, ""), auth.PinRejected)
	wantCode(t, "with a wrong one", h.switchTo(h.child, "9999"), auth.PinRejected)
	h.must(h.switchTo(h.child, childPin))
	equal(t, "user", h.account.Snapshot().User.Title, "Ben")
}

// A managed user may sign in, and sees what plex.tv lets such a user see.
func TestManagedUserSignsIn(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		b := newBox(t, mode, func(s *setup) {
			s.sim.ManagedMayNot = []plextvsim.Endpoint{plextvsim.HomeUsers, plextvsim.SwitchUser}
		})
		b.sim.AddUser(plextvsim.User{Restricted: true, Resources: plextvsim.SampleResources()})
		b.claimed(auth.PinOptions{})
		_, err := b.account.ListUsers(b.soon())
		wantCode(t, "ListUsers", err, auth.Forbidden)
		servers, err := b.account.ListServers(b.soon())
		b.must(err)
		equal(t, "servers", len(servers), 2)
		for _, s := range servers {
			_, err := b.account.ServerHeaders(b.soon(), s.MachineID)
			if s.Owned && b.account.Snapshot().Mode == auth.ModeJWT {
				wantCode(t, "the own server", err, auth.NoServerToken)
			} else {
				b.must(err)
			}
		}
		equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
	})
}

func TestServerWithoutToken(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"not a user of the home": {Status: 404}, "managed": {Code: 1009}, "not this user": {Code: 1043},
	} {
		h, owned, shared := newServed(t, withDeviceKey, func(s *setup) { s.sim.OwnSwitchWithoutPIN = false })
		h.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SwitchUser, Status: fault.Status, Code: fault.Code})
		h.clock.Advance(15 * time.Second)
		_, err := h.account.ServerHeaders(h.soon(), owned.MachineID)
		wantCode(t, name, err, auth.NoServerToken)
		equal(t, "shared", h.serverOpens(shared.MachineID), true)
	}
	b := newBox(t)
	b.sim.AddUser(plextvsim.User{Resources: []plextvsim.Resource{{Name: "n", ClientIdentifier: "m", NoToken: true}}})
	b.claimed(auth.PinOptions{})
	_, err := b.account.ServerHeaders(b.soon(), "m")
	wantCode(t, "no token", err, auth.NoServerToken)
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

// plex.tv lists a server twice that is shared in two ways.
func TestServerThatIsListedTwice(t *testing.T) {
	for name, tokens := range map[string][2]bool{"first": {false, true}, "second": {true, false}} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			both := make([]plextvsim.Resource, 2)
			for i, none := range tokens {
				both[i] = plextvsim.Resource{ClientIdentifier: "m", NoToken: none, Connections: []plextvsim.Connection{{Address: "192.168.1.1", Local: true}}}
			}
			b.sim.AddUser(plextvsim.User{Resources: both})
			b.claimed(auth.PinOptions{})
			servers, err := b.account.ListServers(b.soon())
			b.must(err)
			if len(servers) != 1 || len(servers[0].URIs) != 1 {
				t.Errorf("servers: %+v", servers)
			}
			h := household{box: b}
			equal(t, "opens", h.serverOpens("m"), true)
		})
	}
}

func TestAccountWithoutHome(t *testing.T) {
	for name, fault := range map[string]plextvsim.Fault{
		"404": {Status: 404}, "null": {Body: "null"}, "no users": {Body: `{"id":1,"users":null}`}, "bare": {Body: `{"id":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			fault.Endpoint = plextvsim.HomeUsers
			h.sim.Fail(fault)
			users, err := h.account.ListUsers(h.soon())
			if err != nil || len(users) != 0 {
				t.Errorf("users: %v, %v", users, err)
			}
			wantCode(t, "SwitchUser", h.switchTo(h.guest, ""), auth.NotFound)
			equal(t, "state", h.account.Snapshot().State, auth.SignedIn)
		})
	}
}
