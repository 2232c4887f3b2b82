// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// patience is how long a test waits for anything before it fails.
const patience = time.Minute

const version = "1.2.3-test"

// standIn is a user, and a group, that every machine has. They take the parts of
// plexauthd and plexauth, which come with the package.
const standIn = "mail"

// What plex.tv knows of Alice: her identifier, that of her media server and that
// of one that a friend shares with her.
const (
	aliceUUID = "a11ce0a11ce0a11c"
	machineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69"
	friendsID = "7f3b9d0c2a6e4815b3f7d9e1c5a80246e8f1a3b5"
)

func alice() plextvsim.User {
	resources := plextvsim.SampleResources()
	resources[0].ClientIdentifier, resources[1].ClientIdentifier = machineID, friendsID
	return plextvsim.User{Username: "alice", Title: "Alice Liddell", UUID: aliceUUID, HomeAdmin: true, Resources: resources}
}

// box is a real account, served on a real bus, with a simulated plex.tv whose
// time stands still unless a test moves it on: an answer that is delayed there
// stays away.
type box struct {
	t        *testing.T
	ctx      context.Context // ends when the test has taken too long
	setup    setup
	bus      *bustest.Bus
	plex     *plextvsim.Sim
	plexTime *clockwork.FakeClock
	server   *plextvsim.Server
	token    string // Alice's, from another device of hers
	state    string // path of the state file
	account  *auth.Account
	service  *dbusapi.Service
	observer *dbus.Conn // never calls the daemon
}

// setup is what a test may choose. The zero value is a box on a session bus.
type setup struct {
	bus            *bustest.Bus
	system         bool // serve as on the system bus
	address        string
	pairingTimeout time.Duration
	pollInterval   time.Duration
	mode           auth.Mode
	sim            plextvsim.Options // but for the clock
	clock          clockwork.Clock   // the service's
	log            *slog.Logger
	logLevel       *slog.LevelVar
	group          string // the access group; "": standIn
	wrap           func(dbusapi.Account) dbusapi.Account
	wake           func()
}

func newBox(t *testing.T, s setup) *box {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	if s.bus == nil {
		s.bus = bustest.Session(t)
	}
	if s.pairingTimeout == 0 {
		s.pairingTimeout = 5 * time.Minute
	}
	if s.pollInterval == 0 {
		s.pollInterval = 20 * time.Millisecond
	}
	b := &box{
		t: t, ctx: ctx, setup: s, bus: s.bus, plexTime: clockwork.NewFakeClockAt(time.Now()),
		state: filepath.Join(t.TempDir(), "state", "state.toml"),
	}
	s.sim.Clock = b.plexTime
	b.plex = plextvsim.New(s.sim)
	b.server = b.plex.StartTLS()
	t.Cleanup(b.server.Close)
	b.token = b.plex.AddUser(alice())
	var err error
	if b.observer, err = dbus.Connect(s.bus.Address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.observer.Close() })
	t.Cleanup(b.stop)
	b.start()
	return b
}

// start opens the account on the state as it is, and serves it.
func (b *box) start() {
	b.t.Helper()
	s := b.setup
	b.account = b.openAccount()
	address := s.bus.Address
	if s.address != "" {
		address = s.address
	}
	if s.system {
		b.t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
		address = "system"
	}
	served := dbusapi.Account(b.account)
	if s.wrap != nil {
		served = s.wrap(served)
	}
	var err error
	options := dbusapi.Options{
		Open: func() dbusapi.Account { return served }, Bus: address, Version: version, Clock: s.clock, Log: s.log, LogLevel: s.logLevel,
		Wake: s.wake, Endpoint: func() plextv.Endpoint {
			return plextv.Endpoint{URL: b.server.URL, Proxy: "http://proxy:3128", ProxyUser: true}
		},
	}
	b.service, err = dbusapi.Serve(b.ctx, options.WithAccessGroup(cmp.Or(s.group, standIn)))
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) openAccount() *auth.Account {
	b.t.Helper()
	// Time passes for the account as it does for everybody, and when a test moves
	// plexTime on.
	wall, began := clockwork.NewRealClock(), b.plexTime.Now()
	booted := wall.Now().Add(-time.Hour)
	plexTime := servertime.New(wall, func() time.Duration { return wall.Since(booted) + b.plexTime.Since(began) })
	plex, err := plextv.New(plextv.Config{
		BaseURL: b.server.URL, RootCAs: b.server.CAPool(), Clock: hurriedClock{wall}, OnDate: plexTime.Learn, Log: b.setup.log,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return auth.Open(auth.Options{
		Plex: plex, Store: statefile.Open(b.state, wall), Time: plexTime, Log: b.setup.log,
		Settings: auth.Settings{
			Mode: b.setup.mode,
			Identity: plextv.Identity{
				Product: "Test & Box", Version: version, Platform: "Linux", PlatformVersion: "6.12",
				Device: "TV", DeviceName: "Küche",
			},
			PollInterval: b.setup.pollInterval, PairingTimeout: b.setup.pairingTimeout,
		},
		ConfirmAfter: 10 * time.Millisecond,
	})
}

// hurriedClock makes short work of the pauses between tries.
type hurriedClock struct{ clockwork.Clock }

func (c hurriedClock) NewTimer(d time.Duration) clockwork.Timer { return c.Clock.NewTimer(d / 100) }

func (b *box) stop() {
	if b.service != nil {
		b.service.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.account.Close(ctx); err != nil {
		b.t.Error(err)
	}
}

// awaitAsked returns when plex.tv has been asked that often.
func (b *box) awaitAsked(n int, endpoint plextvsim.Endpoint) {
	b.t.Helper()
	if err := b.plex.Await(b.ctx, n, endpoint); err != nil {
		b.t.Fatalf("waiting for %d questions to %s: %v", n, endpoint, err)
	}
}

// restart ends the daemon and starts another one on what it has written.
func (b *box) restart() {
	b.t.Helper()
	b.stop()
	b.start()
}

// await takes from a channel what has to come.
func await[T any](b *box, channel <-chan T, what string) (value T) {
	b.t.Helper()
	select {
	case value = <-channel:
	case <-b.ctx.Done():
		b.t.Fatalf("%s did not come", what)
	}
	return value
}

// delayPlex holds back every answer of that endpoint until plexTime moves on
// by a second.
func (b *box) delayPlex(endpoint plextvsim.Endpoint) {
	b.plex.Fail(plextvsim.Fault{Endpoint: endpoint, Delay: time.Second})
}

// awaitDelayed returns when plex.tv holds back that many answers.
func (b *box) awaitDelayed(answers int) {
	b.t.Helper()
	if err := b.plexTime.BlockUntilContext(b.ctx, answers); err != nil {
		b.t.Fatalf("waiting for %d delayed answers: %v", answers, err)
	}
}

// breakStorage makes every write of the state fail, even for root.
func (b *box) breakStorage() {
	b.t.Helper()
	dir := filepath.Dir(b.state)
	if err := os.Rename(dir, dir+".aside"); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// mendStorage undoes breakStorage.
func (b *box) mendStorage() {
	b.t.Helper()
	dir := filepath.Dir(b.state)
	if err := os.Remove(dir); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(dir+".aside", dir); err != nil {
		b.t.Fatal(err)
	}
}

// onDisk reports whether the state file holds that text.
func (b *box) onDisk(text string) bool {
	b.t.Helper()
	state, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Contains(string(state), text)
}

// secrets gives what must stay between plex.tv and those who may read credentials.
func (b *box) secrets() []string { return append(b.plex.Secrets(), b.token) }
