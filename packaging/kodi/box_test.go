// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// box is a machine with a bus, a plex.tv, a daemon that can die and a second
// frontend. Its parts are the real ones but for plex.tv.
type box struct {
	*daemontest.Box
	client *client.Client
	daemon *daemontest.Process
}

// program is what make builds for tests that call often.
const program = "../../bin/unpaced/plexauthd"

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{Box: daemontest.New(t, program, bustest.Session(t))}
	b.configure("")
	b.client = b.Client()
	b.start()
	return b
}

// configure writes the daemon's configuration, with more lines.
func (b *box) configure(more string) {
	b.Helper()
	b.Configure("[identity]\ndevice_name = \"Kodi\"\n[pairing]\npoll_interval = \"100ms\"\n" + more)
}

// start starts the daemon and waits until it is ready.
func (b *box) start() {
	b.Helper()
	b.daemon = b.Start("--log-level", "info")
}

// pin waits for a pairing and gives it, as another frontend sees it.
func (b *box) pin() (pin client.Pairing) {
	b.Helper()
	await(b, "a pairing is under way", func() bool { pin = b.status().Pin; return pin.ID != 0 })
	return pin
}

func (b *box) status() client.Status {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	status, err := b.client.State(ctx)
	must(b, err)
	return status
}

// claim is what a person does at plex.tv/link.
func (b *box) claim(code string) {
	b.Helper()
	b.Claim(code, b.Sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada"}))
}

// kodi starts Kodi on the box, with the add-on as make kodi has built it.
func (b *box) kodi(o Options) *Kodi {
	b.Helper()
	found, err := filepath.Glob("../../dist/script.plexauthd-*.zip")
	if err != nil || len(found) != 1 {
		b.Fatalf("want one add-on in dist/, make kodi builds it: %v, %v", found, err)
	}
	o.Bus, o.Zip = b.Bus.Address, found[0]
	if o.Width == 0 {
		o.Width, o.Height = 1280, 720
	}
	return Start(b, o)
}

// signIn signs Ada in without Kodi.
func (b *box) signIn() {
	b.Helper()
	b.signInAs(b.Sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada"}))
}

// signInWithFamily signs Ada in, in whose Plex Home there is Ben with the PIN 2468.
func (b *box) signInWithFamily() {
	b.Helper()
	ada := b.Sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada", HomeAdmin: true})
	ben, err := b.Sim.AddHomeUser(ada, plextvsim.User{Title: "Ben", Restricted: true})
	must(b, err)
	must(b, b.Sim.SetPIN(ben, "2468"))
	b.signInAs(ada)
}

func (b *box) signInAs(person string) {
	b.Helper()
	pin, err := b.client.RequestPin(b.Context(), client.PinOptions{})
	must(b, err)
	b.Claim(pin.Code, person)
	await(b, "signed in", func() bool { return b.status().Authenticated })
}

// signOut makes the box as at first.
func (b *box) signOut() {
	b.Helper()
	must(b, b.client.ClearCredentials(b.Context()))
}

// frontend is frontend.py, a second program that signs the box in.
func (b *box) frontend() *daemontest.Program {
	b.Helper()
	return daemontest.Run(b, exec.Command("/usr/bin/python3", "frontend.py", b.Bus.Address))
}
