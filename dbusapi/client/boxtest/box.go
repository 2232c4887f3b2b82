// Package boxtest sets up a box for tests of frontends: a private D-Bus bus, a
// simulated plex.tv behind TLS, and the real daemon on a real state file, in
// this process.
package boxtest

import (
	"context"
	"path/filepath"
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
)

// Username is the one person who has an account.
const Username = "alice"

// Version is the daemon's.
const Version = "1.2.3-box"

// Timeout is how long anything in a test may take.
const Timeout = 20 * time.Second

// Box is a TV box, and Plex.
type Box struct {
	Bus   *bustest.Bus
	Plex  *plextvsim.Sim
	token string // Alice's, from some other device of hers

	t       testing.TB
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
	token := sim.AddUser(plextvsim.User{Username: Username})
	server := sim.StartTLS()
	t.Cleanup(server.Close)
	plex, err := plextv.New(plextv.Config{BaseURL: server.URL, RootCAs: server.CAPool()})
	if err != nil {
		t.Fatal(err)
	}
	b := &Box{
		Bus: bus, Plex: sim, token: token, t: t, plex: plex,
		state: filepath.Join(t.TempDir(), "state", "state.toml"),
	}
	t.Cleanup(b.StopDaemon)
	return b
}

// StartDaemon returns when the daemon has its bus name.
func (b *Box) StartDaemon() {
	b.t.Helper()
	b.account = auth.Open(auth.Options{
		Plex:  b.plex,
		Store: statefile.Open(b.state, clockwork.NewRealClock()),
		Settings: auth.Settings{
			Identity:       plextv.Identity{Product: "boxtest", Version: Version, DeviceName: "Box & Co"},
			PollInterval:   20 * time.Millisecond,
			PairingTimeout: 5 * time.Minute,
		},
		ConfirmAfter: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithTimeout(b.t.Context(), Timeout)
	defer cancel()
	var err error
	b.service, err = dbusapi.Serve(ctx, dbusapi.Options{Open: func() dbusapi.Account { return b.account }, Bus: b.Bus.Address, Version: Version})
	if err != nil {
		b.t.Fatal(err)
	}
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

// Secrets gives all that must not be printed: every token and every PIN id
// that has travelled between the daemon and plex.tv.
func (b *Box) Secrets() []string {
	secrets := []string{b.token}
	for _, request := range b.Plex.Requests() {
		if token := request.Header.Get("X-Plex-Token"); token != "" {
			secrets = append(secrets, token)
		}
		if request.Endpoint == plextvsim.CheckPin {
			secrets = append(secrets, filepath.Base(request.Path))
		}
	}
	return secrets
}
