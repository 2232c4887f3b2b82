// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// entry is plex.tv's entry of a media server with that name.
func entry(id int, name string) string {
	return fmt.Sprintf(`{"clientIdentifier":"m%d","provides":"server","owned":%t,"name":"%s","accessToken":"t%d"}`, id, id == 0, name, id)
}

func at(machineID string) auth.Server {
	return auth.Server{MachineID: machineID, URI: "https://10-0-0-2.plex.direct:32400"}
}

func (b *box) known() []auth.MediaServer {
	b.Helper()
	servers, err := b.account.ListServers(b.soon())
	b.must(err)
	return servers
}

func (b *box) inode(path string) os.FileInfo {
	b.Helper()
	info, err := os.Lstat(path)
	b.must(err)
	return info
}

// 200 media servers with names as long as can be are no burden for the state.
func TestMediaServersDoNotBurdenTheState(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	state := string(b.file())
	var entries []string
	for i := range 200 {
		entries = append(entries, entry(i, strings.Repeat(`<\"`, 2000)))
	}
	b.lists(entries...)
	known := b.known()
	equal(t, "the account's own is there", known[0].MachineID, "m0")
	equal(t, "state", string(b.file()), state)
	equal(t, "servers.toml is at most 1 MiB", b.inode(b.serversPath()).Size() <= 1<<20, true)
	b.must(b.account.SelectServer(b.soon(), at("m0")))
	b.sim.Fail(plextvsim.CaptivePortal())
	b.restart(time.Hour)
	equal(t, "known after a restart", len(b.known()), len(known))
	equal(t, "selected", b.account.Snapshot().Server.MachineID, "m0")
}

func TestAnUnchangedListIsNotWrittenAgain(t *testing.T) {
	bothModes(t, func(t *testing.T, mode func(*setup)) {
		h, owned, _ := newServed(t, mode, unlocked)
		state, servers := h.inode(h.path), h.inode(h.serversPath())
		same := func(what string) {
			equal(t, what+": same state", os.SameFile(state, h.inode(h.path)), true)
			equal(t, what+": same servers", os.SameFile(servers, h.inode(h.serversPath())), true)
		}
		asked := h.sim.Count(plextvsim.Resources)
		for range 3 {
			h.clock.Advance(time.Minute)
			h.known()
		}
		equal(t, "asked", h.sim.Count(plextvsim.Resources), asked+3)
		same("asked again")
		h.must(h.account.SelectServer(h.soon(), at(owned.MachineID)))
		state = h.inode(h.path)
		same("selected")
		h.restart(time.Hour)
		h.reaches(auth.SignedIn)
		h.known()
		same("after a restart")
	})
}

// A list that is left on the disk is for whom it was made, or for nobody.
func TestMediaServersOfAnotherSignInAreNotUsed(t *testing.T) {
	for name, leave := range map[string]func(h *household){
		"switched": func(h *household) { h.must(h.switchTo(h.guest, "")) },
		"signed in again": func(h *household) {
			h.must(h.account.Clear(h.soon()))
			h.claimed(auth.PinOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, owned, _ := newServed(t)
			left, err := os.ReadFile(h.serversPath())
			h.must(err)
			leave(h)
			h.sim.Fail(plextvsim.CaptivePortal())
			h.close()
			h.must(os.WriteFile(h.serversPath(), left, 0o600)) // as after a power cut, or by an older version
			h.restart(0)
			headers, err := h.account.ServerHeaders(h.soon(), owned.MachineID)
			wantCode(t, "ServerHeaders", err, auth.InvalidResponse)
			equal(t, "headers", len(headers), 0)
			h.must(h.account.Clear(h.soon()))
			_, err = os.Lstat(h.serversPath())
			equal(t, "gone after the sign-out", os.IsNotExist(err), true)
		})
	}
}

// Nothing at the place of the list keeps anybody from anything.
func TestAListThatCannotBeKeptCostsNothing(t *testing.T) {
	b := newBox(t)
	b.signIn(plextvsim.User{})
	b.must(os.Mkdir(b.serversPath(), 0o700))
	b.must(os.Mkdir(b.serversPath()+"/inner", 0o700))
	b.lists(entry(0, "Attic"))
	equal(t, "listed", len(b.known()), 1)
	b.must(b.account.SelectServer(b.soon(), at("m0")))
	equal(t, "problem", b.account.Snapshot().StorageProblem, "")
	b.must(os.RemoveAll(b.serversPath()))
	b.must(b.account.SelectServer(b.soon(), at("m1")))
	equal(t, "kept as soon as it can be", b.disk().Servers != nil, true)
	b.must(os.Remove(b.serversPath()))
	b.must(b.account.Clear(b.soon()))
	equal(t, "signed out", b.disk(), statefile.State{ClientID: b.disk().ClientID, PlexURL: b.disk().PlexURL})
}
