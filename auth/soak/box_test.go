// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

const (
	pollInterval   = 5 * time.Second // longer than it is by default, for a year has enough to do
	pairingTimeout = 5 * time.Minute
	patience       = time.Minute // real time that nothing here needs
)

// box is an account with all its real parts and a clock of its own.
type box struct {
	testing.TB
	world   *world
	clock   *boxClock
	path    string // of the state file
	mode    auth.Mode
	booted  time.Time
	account *auth.Account
	client  *plextv.Client
	answers answers
	close   func()

	mu     sync.Mutex
	events []auth.Event
	killed []byte // the state file when the box lost its power; nil while it is on
}

func newBox(t testing.TB, w *world, mode auth.Mode) *box {
	b := &box{TB: t, world: w, mode: mode, clock: newBoxClock(w.clock), path: filepath.Join(memoryDir(t), "state.toml"), answers: make(answers, 1)}
	b.boot()
	return b
}

// memoryDir is a directory that costs no disk its time: that the state file
// outlives a power cut, its own tests show.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "plexauthd-soak-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (b *box) settings() auth.Settings {
	return auth.Settings{
		Mode: b.mode, PollInterval: pollInterval, PairingTimeout: pairingTimeout,
		Identity: plextv.Identity{Product: "Retune", Version: "1.2.3", Platform: "Linux", Device: "TV Box"},
	}
}

// boot starts the box, and with it the count of its uptime.
func (b *box) boot() {
	b.booted = b.world.clock.Now().Add(-20 * time.Second)
	b.open()
}

// open starts the daemon on the state file as it is.
func (b *box) open() {
	b.Helper()
	booted := b.booted
	plexTime := servertime.New(b.clock, func() time.Duration { return b.world.clock.Since(booted) })
	client, err := plextv.New(plextv.Config{
		BaseURL: b.world.way.url(), RootCAs: b.world.server.CAPool(), Clock: b.clock, OnDate: plexTime.Learn,
		Log: slog.New(slog.NewTextHandler(b.answers, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		b.Fatal(err)
	}
	account := auth.Open(auth.Options{
		Plex: client, Store: statefile.Open(b.path, b.clock), Settings: b.settings(), Clock: b.clock, Time: plexTime,
	})
	_, cancel := account.Subscribe(b.hear)
	b.account, b.client = account, client
	b.close = sync.OnceFunc(func() {
		ctx, done := context.WithTimeout(context.Background(), patience)
		defer done()
		if err := account.Close(ctx); err != nil {
			b.Error(err)
		}
		cancel()
		client.CloseIdleConnections()
	})
}

// hear keeps what is signalled, unless there is no power left to tell it.
func (b *box) hear(e auth.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.killed == nil {
		b.events = append(b.events, e)
	}
}

// heard gives what was signalled since it was last asked for.
func (b *box) heard() []auth.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events = nil
	return events
}

// kill takes the power away: what is on disk now is all that will be left.
func (b *box) kill() {
	kept, err := os.ReadFile(b.path)
	if err != nil {
		b.Error(err)
	}
	b.mu.Lock()
	b.killed = kept
	b.mu.Unlock()
	b.world.door.slam(true)
}

func (b *box) dead() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.killed != nil
}

// bury ends what is left of a killed daemon, and whatever it does to the disk.
func (b *box) bury() {
	b.Helper()
	b.close()
	b.mu.Lock()
	kept := b.killed
	b.killed, b.events = nil, nil
	b.mu.Unlock()
	if err := os.WriteFile(b.path, kept, 0o600); err != nil {
		b.Fatal(err)
	}
	b.world.door.slam(false)
}

// disk is what a daemon would find if it started now. It reads a copy, because
// loading tidies up around the file.
func (b *box) disk() statefile.State {
	b.Helper()
	data, err := os.ReadFile(b.path)
	copied := b.path + ".copy"
	if err == nil {
		err = os.WriteFile(copied, data, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	state, err := statefile.Open(copied, b.clock).Load()
	if err != nil {
		b.Fatal(err)
	}
	return state
}

// token is the token that frontends get.
func (b *box) token() secret.String { return b.account.Snapshot().Credentials.Token }

func (b *box) clientID() string { return b.account.Snapshot().Headers["X-Plex-Client-Identifier"] }
