// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// newServed is a box whose account owns one media server and shares another.
func newServed(t *testing.T, changes ...func(*setup)) (h *household, owned, shared auth.MediaServer) {
	t.Helper()
	h = newHousehold(t, changes...)
	servers, err := h.account.ListServers(h.soon())
	h.must(err)
	for _, s := range servers {
		if s.Owned {
			owned = s
		} else {
			shared = s
		}
	}
	if len(servers) != 2 || owned.MachineID == "" || shared.MachineID == "" {
		t.Fatalf("servers: %v", servers)
	}
	return h, owned, shared
}

// opens reports whether the media server takes the headers.
func (h *household) opens(machineID string, headers auth.Headers) bool {
	h.Helper()
	server := h.sim.MediaServer(machineID).Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(h.soon(), http.MethodGet, server.URL+"/library/sections", nil)
	h.must(err)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	h.must(err)
	h.must(response.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	return response.StatusCode == http.StatusOK
}

func (h *household) serverOpens(machineID string) bool {
	h.Helper()
	headers, err := h.account.ServerHeaders(h.soon(), machineID)
	h.must(err)
	return h.opens(machineID, headers)
}

func unlocked(s *setup) { s.sim.OwnSwitchWithoutPIN = true }

func TestEachMediaServerGetsItsToken(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h, owned, shared := newServed(t, mode, unlocked)
		equal(t, "owned", h.serverOpens(owned.MachineID), true)
		equal(t, "shared", h.serverOpens(shared.MachineID), true)
		asked := h.sim.Count(plextvsim.Any)
		equal(t, "owned again", h.serverOpens(owned.MachineID), true)
		equal(t, "asked for what is known", h.sim.Count(plextvsim.Any), asked)
		_, err := h.account.ServerHeaders(h.soon(), "0123456789")
		wantCode(t, "unknown", err, auth.NotFound)
	})
}

func TestMediaServersWithoutTheInternet(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h, owned, shared := newServed(t, mode, unlocked)
		h.sim.Fail(plextvsim.CaptivePortal())
		h.restart(time.Hour)
		servers, err := h.account.ListServers(h.soon())
		h.must(err)
		equal(t, "servers", len(servers), 2)
		equal(t, "owned", h.serverOpens(owned.MachineID), true)
		equal(t, "shared", h.serverOpens(shared.MachineID), true)
		headers, err := h.account.RenewServerHeaders(h.soon(), shared.MachineID)
		h.must(err)
		equal(t, "what there is", h.opens(shared.MachineID, headers), true)
	})
}

func TestAMediaServerRefusesItsToken(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h, _, shared := newServed(t, mode, unlocked)
		h.sim.RotateServerTokens(shared.MachineID)
		equal(t, "the old token", h.serverOpens(shared.MachineID), false)
		h.clock.Advance(time.Minute)
		headers, err := h.account.RenewServerHeaders(h.soon(), shared.MachineID)
		h.must(err)
		equal(t, "the new one", h.opens(shared.MachineID, headers), true)
		equal(t, "kept", h.serverOpens(shared.MachineID), true)
		asked := h.sim.Count(plextvsim.Resources)
		for range 10 { // a server that refuses whatever it gets
			_, err := h.account.RenewServerHeaders(h.soon(), shared.MachineID)
			h.must(err)
		}
		equal(t, "asked again within a minute", h.sim.Count(plextvsim.Resources), asked)
	})
}

// With a device key plex.tv gives the token of an owned media server only by a
// switch to oneself, for which it may want the PIN.
func TestAnOwnedMediaServerBehindAPin(t *testing.T) {
	h, owned, shared := newServed(t, withDeviceKey)
	_, err := h.account.ServerHeaders(h.soon(), owned.MachineID)
	wantCode(t, "owned", err, auth.PinRejected)
	equal(t, "shared", h.serverOpens(shared.MachineID), true)
	h.unread()
	h.must(h.switchTo(h.admin, adminPin))
	if got := h.reasons(); len(got) != 0 {
		t.Errorf("told: %v", got)
	}
	equal(t, "owned, with the PIN", h.serverOpens(owned.MachineID), true)
	h.restart(time.Hour)
	h.reaches(auth.SignedIn)
	equal(t, "after a restart", h.serverOpens(owned.MachineID), true)
}

// Each user of the home sees servers with tokens of their own.
func TestMediaServersOfAnotherUser(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h, owned, _ := newServed(t, mode, unlocked)
		admins, err := h.account.ServerHeaders(h.soon(), owned.MachineID)
		h.must(err)
		h.must(h.switchTo(h.child, childPin))
		childs, err := h.account.ServerHeaders(h.soon(), owned.MachineID)
		h.must(err)
		equal(t, "opens", h.opens(owned.MachineID, childs), true)
		if childs["X-Plex-Token"] == admins["X-Plex-Token"] {
			t.Error("the child has the admin's token")
		}
		h.must(h.account.Clear(h.soon()))
		_, err = h.account.ServerHeaders(h.soon(), owned.MachineID)
		wantCode(t, "signed out", err, auth.AuthRequired)
	})
}
