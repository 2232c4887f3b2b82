// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// patience bounds every wait for what has to come. plex.tv's requests for
// patience are among it.
const patience = 2 * time.Minute

// Who lives in the home.
const (
	adasUUID = "0a1b2c3d4e5f6071"
	kimsUUID = "1b2c3d4e5f607182"
	bobsUUID = "2c3d4e5f60718293"
	bobsPIN  = "4711"

	machineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69"
)

// box is a machine with a bus, a plex.tv of its own and the daemon.
type box struct {
	*testing.T
	mode       string
	program    string
	random     *rand.Rand
	bus        *bustest.Bus
	sim        *plextvsim.Sim
	plex       *plextvsim.Server
	dir        string
	ada        string // a token of hers, from some other device
	configured int    // times
	cmd        *exec.Cmd
	ended      chan struct{}
	output     tail
}

func newBox(t *testing.T, program, mode string, seed uint64) *box {
	t.Helper()
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sim := plextvsim.New(plextvsim.Options{})
	b := &box{T: t, mode: mode, program: program, random: rand.New(rand.NewPCG(seed, seed)),
		bus: bustest.Roomy(t), sim: sim, plex: sim.StartTLS(), dir: dir}
	t.Cleanup(b.plex.Close)
	if err := os.WriteFile(b.path("ca.pem"), b.plex.CAPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	resources := plextvsim.SampleResources()
	resources[0].ClientIdentifier = machineID
	b.ada = sim.AddUser(plextvsim.User{Username: "ada", UUID: adasUUID, Resources: resources})
	for _, user := range []plextvsim.User{
		{Username: "kim", UUID: kimsUUID, Restricted: true},
		{Username: "bob", UUID: bobsUUID, Restricted: true, PIN: bobsPIN},
	} {
		if _, err := sim.AddHomeUser(b.ada, user); err != nil {
			t.Fatal(err)
		}
	}
	b.configure()
	return b
}

func (b *box) path(name string) string { return filepath.Join(b.dir, name) }

func (b *box) state() string { return b.path("state/state.toml") }

// configure writes a configuration that differs from the one before.
func (b *box) configure() (deviceName string) {
	b.Helper()
	b.configured++
	deviceName = fmt.Sprintf("Den %d", b.configured%100)
	text := fmt.Sprintf("[identity]\ndevice_name = %q\n[auth]\nmode = %q\n[pairing]\npoll_interval = \"250ms\"\n", deviceName, b.mode)
	if err := os.WriteFile(b.path("config.toml"), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return deviceName
}

// start runs plexauthd and returns when it serves.
func (b *box) start() {
	b.Helper()
	c := b.visit()
	defer c.leave()
	b.cmd = exec.Command(b.program, "--bus", b.bus.Address, "--state", b.state(), "--plex-url", b.plex.URL,
		"--config", b.path("config.toml"), "--log-level", "info")
	b.cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+b.path("ca.pem"), "NOTIFY_SOCKET=", "JOURNAL_STREAM=",
		"PLEXAUTHD_COUNTS="+b.path("counts"))
	b.cmd.Stdout, b.cmd.Stderr = &b.output, &b.output
	if err := b.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	cmd, ended := b.cmd, make(chan struct{})
	b.ended = ended
	go func() { _ = cmd.Wait(); close(ended) }()
	b.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	if _, err := c.await(client.Snapshot); err != nil {
		b.Fatalf("plexauthd does not serve: %v\n%s", err, &b.output)
	}
}

// awaitEnd waits until the daemon has ended.
func (b *box) awaitEnd() {
	b.Helper()
	select {
	case <-b.ended:
	case <-time.After(patience):
		b.Fatalf("plexauthd has not ended\n%s", &b.output)
	}
}

func (b *box) signal(s syscall.Signal) {
	b.Helper()
	if err := b.cmd.Process.Signal(s); err != nil {
		b.Fatalf("plexauthd is not there: %v\n%s", err, &b.output)
	}
}

// visitor is a frontend that comes for a while.
type visitor struct {
	*client.Client
	*box
	ctx    context.Context
	events <-chan client.Event
	leave  func()
}

// visit brings a frontend that watches.
func (b *box) visit() *visitor {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c, err := client.Dial(ctx, b.bus.Address)
	if err != nil {
		b.Fatal(err)
	}
	watch, err := c.Watch(ctx)
	if err != nil {
		b.Fatal(err)
	}
	return &visitor{Client: c, box: b, ctx: ctx, events: watch.Events, leave: func() { cancel(); _ = c.Close() }}
}

// await reads events until there is one of that kind.
func (v *visitor) await(kind client.Kind) (client.Event, error) {
	for event := range v.events {
		if event.Kind == kind {
			return event, nil
		}
	}
	return client.Event{}, fmt.Errorf("no %s", kind)
}

// tail keeps the end of what the daemon prints.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	o.text = o.text[max(0, len(o.text)-8<<10):]
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
