// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// box is a machine with a bus, a plex.tv, a daemon that can die and a second
// frontend. Its parts are the real ones but for plex.tv.
type box struct {
	t      *testing.T
	bus    *bustest.Bus
	sim    *plextvsim.Sim
	plex   *plextvsim.Server
	dir    string
	client *client.Client
	daemon *exec.Cmd
	log    strings.Builder
}

// programs is where make puts what the tests run.
const programs = "../../bin"

func newBox(t *testing.T) *box {
	t.Helper()
	sim := plextvsim.New(plextvsim.Options{})
	b := &box{t: t, bus: bustest.Session(t), sim: sim, plex: sim.StartTLS(), dir: t.TempDir()}
	t.Cleanup(func() { b.plex.Close() })
	must(t, os.WriteFile(filepath.Join(b.dir, "ca.pem"), b.plex.CAPEM(), 0o644))
	b.configure("")
	var err error
	b.client, err = client.Dial(t.Context(), b.bus.Address)
	must(t, err)
	t.Cleanup(func() { _ = b.client.Close() })
	b.start()
	t.Cleanup(func() {
		b.kill()
		if t.Failed() {
			t.Logf("plexauthd's log:\n%s", b.log.String())
		}
	})
	return b
}

// configure writes the daemon's configuration, with more lines.
func (b *box) configure(more string) {
	b.t.Helper()
	must(b.t, os.WriteFile(filepath.Join(b.dir, "config.toml"),
		[]byte("[identity]\ndevice_name = \"Kodi\"\n[pairing]\npoll_interval = \"100ms\"\n"+more), 0o600))
}

// start starts the daemon and waits until it answers.
func (b *box) start() {
	b.t.Helper()
	b.daemon = exec.Command(filepath.Join(programs, "plexauthd"), "--config", filepath.Join(b.dir, "config.toml"),
		"--bus", b.bus.Address, "--state", filepath.Join(b.dir, "state", "state.toml"), "--plex-url", b.plex.URL)
	b.daemon.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(b.dir, "ca.pem"))
	b.daemon.Stdout, b.daemon.Stderr = &b.log, &b.log
	must(b.t, b.daemon.Start())
	await(b.t, "the daemon answers", func() bool { _, err := b.client.State(b.t.Context()); return err == nil })
}

// kill ends the daemon as a crash does.
func (b *box) kill() {
	if b.daemon != nil {
		_ = b.daemon.Process.Kill()
		_ = b.daemon.Wait()
		b.daemon = nil
	}
}

// pin waits for a pairing and gives it, as another frontend sees it.
func (b *box) pin() (pin client.Pairing) {
	b.t.Helper()
	await(b.t, "a pairing is under way", func() bool { pin = b.status().Pin; return pin.ID != 0 })
	return pin
}

func (b *box) status() client.Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	status, err := b.client.State(ctx)
	must(b.t, err)
	return status
}

// claim is what a person does at plex.tv/link.
func (b *box) claim(code string) {
	b.t.Helper()
	must(b.t, b.sim.Claim(code, b.sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada"})))
}

// kodi starts Kodi on the box, with the add-on as make kodi has built it.
func (b *box) kodi(o Options) *Kodi {
	b.t.Helper()
	found, err := filepath.Glob("../../dist/script.plexauthd-*.zip")
	if err != nil || len(found) != 1 {
		b.t.Fatalf("want one add-on in dist/, make kodi builds it: %v, %v", found, err)
	}
	o.Bus, o.Zip = b.bus.Address, found[0]
	if o.Width == 0 {
		o.Width, o.Height = 1280, 720
	}
	return Start(b.t, o)
}

// signIn signs Ada in without Kodi.
func (b *box) signIn() {
	b.t.Helper()
	pin, err := b.client.RequestPin(b.t.Context(), client.PinOptions{})
	must(b.t, err)
	b.claim(pin.Code)
	await(b.t, "signed in", func() bool { return b.status().Authenticated })
}

// signInWithFamily signs Ada in, in whose Plex Home there is Ben with the PIN 2468.
func (b *box) signInWithFamily() {
	b.t.Helper()
	ada := b.sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada", HomeAdmin: true})
	ben, err := b.sim.AddHomeUser(ada, plextvsim.User{Title: "Ben", Restricted: true})
	must(b.t, err)
	must(b.t, b.sim.SetPIN(ben, "2468"))
	pin, err := b.client.RequestPin(b.t.Context(), client.PinOptions{})
	must(b.t, err)
	must(b.t, b.sim.Claim(pin.Code, ada))
	await(b.t, "signed in", func() bool { return b.status().Authenticated })
}

// signOut makes the box as at first.
func (b *box) signOut() {
	b.t.Helper()
	must(b.t, b.client.ClearCredentials(b.t.Context()))
}

// frontend is frontend.py, a second program that signs the box in.
type frontend struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (f *frontend) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

func (b *box) frontend() *frontend {
	b.t.Helper()
	f := &frontend{t: b.t}
	cmd := exec.Command("/usr/bin/python3", "frontend.py", b.bus.Address)
	cmd.Stdout, cmd.Stderr = f, b.t.Output()
	must(b.t, cmd.Start())
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return f
}

// awaitLine waits until the frontend has printed that.
func (f *frontend) awaitLine(line string) {
	f.t.Helper()
	await(f.t, "the second frontend says "+line, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return strings.Contains(f.text.String(), line+"\n")
	})
}
