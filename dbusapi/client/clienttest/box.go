// SPDX-License-Identifier: Apache-2.0

// Package clienttest sets up a box for tests of frontends: a private D-Bus bus, a
// simulated plex.tv behind TLS, and the real daemon on a real state file, in
// this process.
package clienttest

import (
	"context"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// Username is the one person who has an account.
const Username = "alice"

// MachineID and ServerURI are of her media server.
const (
	MachineID = "51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d3c4b5a69"
	ServerURI = "https://192-168-1-10.51a0c4f5e1d94f6b8e3c2d7a9b0f1e2d.plex.direct:32400"
)

// Version is the daemon's.
const Version = "1.2.3-box"

// Timeout is how long anything in a test may take.
const Timeout = 20 * time.Second

// Box is a TV box, and Plex.
type Box struct {
	Bus   *bustest.Bus
	Plex  *plextvsim.Sim
	token string // Alice's, from some other device of hers

	homeUsers int // that were added

	t       testing.TB
	server  *plextvsim.Server
	plex    *plextv.Client
	state   string // path of the state file
	account *auth.Account
	service *dbusapi.Service
}

// New sets a box up on that bus, with the daemon not started yet. All of it
// ends with the test.
func New(t testing.TB, bus *bustest.Bus) *Box {
	t.Helper()
	sim := plextvsim.New(plextvsim.Options{})
	token := sim.AddUser(plextvsim.User{Username: Username, UUID: "a11ce0a11ce0a11c", Resources: []plextvsim.Resource{{
		Name: "Living Room", ClientIdentifier: MachineID, Owned: true,
		Connections: []plextvsim.Connection{{Address: "192.168.1.10", URI: ServerURI, Local: true}},
	}}})
	server := sim.StartTLS()
	t.Cleanup(server.Close)
	plex, err := plextv.New(plextv.Config{BaseURL: server.URL, RootCAs: server.CAPool()})
	if err != nil {
		t.Fatal(err)
	}
	b := &Box{
		Bus: bus, Plex: sim, token: token, t: t, server: server, plex: plex,
		state: filepath.Join(t.TempDir(), "state", "state.toml"),
	}
	t.Cleanup(b.StopDaemon)
	return b
}

// BoxURL is where the daemon finds Plex.
func (b *Box) BoxURL() string { return b.server.URL }

// BoxCAs is what the daemon trusts.
func (b *Box) BoxCAs() *x509.CertPool { return b.server.CAPool() }

// StartDaemon returns when the daemon has its bus name.
func (b *Box) StartDaemon() {
	b.t.Helper()
	b.account = auth.Open(auth.Options{
		Plex:         b.plex,
		Store:        statefile.Open(b.state, clockwork.NewRealClock()),
		Settings:     settings(b.BoxURL()),
		ConfirmAfter: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithTimeout(b.t.Context(), Timeout)
	defer cancel()
	var err error
	b.service, err = dbusapi.Serve(ctx, dbusapi.Options{Open: func() dbusapi.Account { return b.account }, Bus: b.Bus.Address, Version: Version, Endpoint: b.plex.Endpoint})
	if err != nil {
		b.t.Fatal(err)
	}
}

func settings(plexURL string) auth.Settings {
	return auth.Settings{
		Identity:       plextv.Identity{Product: "clienttest", Version: Version, DeviceName: "Box & Co", PlexURL: plexURL},
		PollInterval:   20 * time.Millisecond,
		PairingTimeout: 5 * time.Minute,
	}
}

// Move has the daemon take another address for that of plex.tv, as a changed plex.url
// does.
func (b *Box) Move(plexURL string) {
	b.t.Helper()
	if err := b.account.Configure(b.t.Context(), settings(plexURL)); err != nil {
		b.t.Fatal(err)
	}
}

// Client connects a frontend written in Go.
func (b *Box) Client() *client.Client {
	b.t.Helper()
	c, err := client.Dial(b.t.Context(), b.Bus.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// StopDaemon ends the daemon, if it runs. Callers who wait get no answer.
func (b *Box) StopDaemon() {
	if b.service == nil {
		return
	}
	b.service.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if err := b.account.Close(ctx); err != nil {
		b.t.Error(err)
	}
	b.service = nil
}

// SignIn signs Alice in and returns the token that the daemon then holds.
func (b *Box) SignIn() (token string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), Timeout)
	defer cancel()
	if err := b.account.Store(ctx, auth.Credentials{Token: secret.New(b.token)}); err != nil {
		b.t.Fatal(err)
	}
	return b.token
}

// AddHomeUser adds a managed user to Alice's Plex Home, without a PIN if that is
// empty, and returns the user's UUID.
func (b *Box) AddHomeUser(title, pin string) (uuid string) {
	b.t.Helper()
	b.homeUsers++ // a UUID without decimal digits in a row: nothing that looks like a PIN
	user := plextvsim.User{
		UUID: fmt.Sprintf("abcdefabcdefab%02d", b.homeUsers), Username: strings.ToLower(title), Title: title, PIN: pin, Restricted: true,
	}
	uuid, err := b.Plex.AddHomeUser(b.token, user)
	if err != nil {
		b.t.Fatal(err)
	}
	return uuid
}

// Secrets gives all that must not be printed: every token, every PIN id and every
// home PIN that has travelled between the daemon and plex.tv.
func (b *Box) Secrets() []string {
	secrets := append(b.Plex.Secrets(), b.token)
	for _, request := range b.Plex.Requests() {
		if pin := request.Query.Get("pin"); pin != "" {
			secrets = append(secrets, pin)
		}
	}
	return secrets
}
