// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	interval     = time.Second
	timeout      = 5 * time.Minute
	confirmAfter = 30 * time.Second     // and twice that for the tokens here, which are new
	askAgain     = confirmAfter * 3 / 5 // after a refusal, at most
	patience     = 30 * time.Second     // real time that nothing here needs
)

func identity() plextv.Identity {
	return plextv.Identity{
		Product: "Retune", Version: "1.2.3", Platform: "Linux", PlatformVersion: "6.12",
		Device: "TV Box", DeviceName: "Wohnzimmer + Küche",
	}
}

// setup is what a test may change before the box starts.
type setup struct {
	sim  plextvsim.Options
	plex plextv.Config
	auth auth.Options
}

// box is an account with all its real parts: plex.tv over TLS, a state file.
// Its clock stands still until the test moves it.
type box struct {
	*testing.T
	sim     *plextvsim.Sim
	server  *plextvsim.Server
	clock   *clockwork.FakeClock
	start   time.Time
	time    atomic.Pointer[servertime.Clock] // of the account that is open
	slept   atomic.Int64                     // for so long the box has slept: its timers stood still
	path    string                           // of the state file
	log     *journal
	options auth.Options
	account *auth.Account
	events  chan auth.Event
	seen    *auth.Snapshot // of the last event taken from events
	close   func()
}

func newBox(t *testing.T, changes ...func(*setup)) *box {
	t.Helper()
	b := &box{T: t, path: filepath.Join(t.TempDir(), "state", "state.toml"), log: &journal{}}
	// Ahead of the real time, in which net/http sees the deadlines of contexts.
	b.start = time.Now().UTC().Truncate(time.Second).Add(24 * time.Hour)
	b.clock = clockwork.NewFakeClockAt(b.start)
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &setup{
		sim:  plextvsim.Options{Clock: b.clock},
		plex: plextv.Config{Clock: b.clock, Log: log},
		auth: auth.Options{
			Settings: auth.Settings{Identity: identity(), PollInterval: interval, PairingTimeout: timeout},
			Clock:    ownClock{b.clock}, Log: log, Store: statefile.Open(b.path, b.clock),
			// So that nobody waits for the clock but what a test is about.
			CheckEvery: -1,
		},
	}
	for _, change := range changes {
		change(s)
	}
	b.sim = plextvsim.New(s.sim)
	b.server = b.sim.StartTLS()
	t.Cleanup(b.server.Close)
	s.plex.OnDate = func(date time.Time) { b.time.Load().Learn(date) }
	s.plex.BaseURL, s.plex.RootCAs = b.server.URL, b.server.CAPool()
	client, err := plextv.New(s.plex)
	b.must(err)
	t.Cleanup(client.CloseIdleConnections)
	s.auth.Plex = client
	b.options = s.auth
	b.open()
	return b
}

// open opens the account on the state file as it is.
func (b *box) open() {
	b.Helper()
	b.options.Time = servertime.New(clockwork.NewRealClock(), nil)
	if b.options.Clock != nil {
		b.options.Time = servertime.New(b.options.Clock, func() time.Duration {
			return b.clock.Since(b.start) + time.Duration(b.slept.Load())
		})
	}
	b.time.Store(b.options.Time)
	account, events := auth.Open(b.options), make(chan auth.Event, 1024)
	_, cancel := account.Subscribe(func(e auth.Event) { events <- e })
	b.account, b.events, b.seen = account, events, nil
	b.next()
	b.close = sync.OnceFunc(func() {
		ctx, done := context.WithTimeout(context.Background(), patience)
		defer done()
		if err := account.Close(ctx); err != nil {
			b.Error(err)
		}
		cancel()
	})
	b.Cleanup(b.close)
}

// restart ends the account and, when the box has been off for a while, opens the
// state file as it was before, whatever the end has done to it.
func (b *box) restart(off time.Duration) {
	b.Helper()
	kept := b.file()
	b.close()
	b.clock.Advance(off)
	b.must(os.WriteFile(b.path, kept, 0o600))
	b.options.Store = statefile.Open(b.path, b.clock)
	b.open()
}

func (b *box) file() []byte {
	b.Helper()
	data, err := os.ReadFile(b.path)
	b.must(err)
	return data
}

func (b *box) serversPath() string { return filepath.Join(filepath.Dir(b.path), statefile.ServersName) }

// disk is what a daemon would find if it started now. It reads a copy, because
// loading tidies up around the file.
func (b *box) disk() statefile.State {
	b.Helper()
	path := filepath.Join(b.TempDir(), "state.toml")
	b.must(os.WriteFile(path, b.file(), 0o600))
	if servers, err := os.ReadFile(b.serversPath()); err == nil {
		b.must(os.WriteFile(filepath.Join(filepath.Dir(path), statefile.ServersName), servers, 0o600))
	}
	state, err := statefile.Open(path, b.clock).Load()
	b.must(err)
	return state
}

// breakDisk makes the state file unreachable for everybody, root too, until it is repaired.
// The directory and a file change places at once: the account may try to save, and
// makes a directory where there is none.
func (b *box) breakDisk() (mend func()) {
	b.Helper()
	dir := filepath.Dir(b.path)
	b.must(os.WriteFile(dir+".away", nil, 0o600))
	exchange := func() {
		b.must(unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, dir+".away", unix.RENAME_EXCHANGE))
	}
	exchange()
	return func() {
		exchange()
		b.must(os.Remove(dir + ".away"))
	}
}

// ownClock hides from timelimit.With that it is a fake one: the timers of
// such contexts run while plex.tv is asked, and on after the answer. Then somebody
// would always wait for the clock.
type ownClock struct{ clockwork.Clock }

// withLimits is for tests in which such a context ends.
func withLimits(s *setup) { s.auth.Clock = s.auth.Clock.(ownClock).Clock }

func (b *box) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// soon is a context for what must not take long.
func (b *box) soon() context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	b.Cleanup(cancel)
	return ctx
}

// next takes the next event.
func (b *box) next() auth.Event {
	b.Helper()
	e := receive(b, b.events)
	b.seen = e.Snapshot
	return e
}

// await takes events until one fits.
func (b *box) await(fits func(auth.Event) bool) auth.Event {
	b.Helper()
	for {
		if e := b.next(); fits(e) {
			return e
		}
	}
}

// reaches waits until the account is in the state, if it is not since it was opened.
func (b *box) reaches(state auth.State) {
	b.Helper()
	if b.seen.State != state {
		b.await(in(state))
	}
}

// unread takes the events of all changes up to now.
func (b *box) unread() (events []auth.Event) {
	b.Helper()
	for now := b.account.Snapshot(); b.seen != now; {
		events = append(events, b.next())
	}
	return events
}

func ended(e auth.Event) bool       { return e.PinEnd != nil }
func authChanged(e auth.Event) bool { return e.Auth != nil }
func named(e auth.Event) bool       { return e.Snapshot.User != nil && e.Snapshot.User.ID != "" }
func in(state auth.State) func(auth.Event) bool {
	return func(e auth.Event) bool { return e.Snapshot.State == state }
}

// idle waits until somebody waits for the clock. The schedule only does while it
// has nothing to do.
func (b *box) idle() {
	b.Helper()
	if err := b.clock.BlockUntilContext(b.soon(), 1); err != nil {
		b.Fatalf("nobody waits for the clock; log:\n%s", b.log)
	}
}

// tick lets d pass once somebody waits for it.
func (b *box) tick(d time.Duration) {
	b.Helper()
	b.idle()
	b.clock.Advance(d)
}

// poll lets time pass until the PIN has been asked about once more, without a claim.
func (b *box) poll() {
	b.Helper()
	for before := len(b.asked(plextvsim.CheckPin)); len(b.asked(plextvsim.CheckPin)) == before; {
		b.tick(interval)
		b.idle()
	}
}

// asked gives when the endpoint was asked, since the start.
func (b *box) asked(endpoint plextvsim.Endpoint) (times []time.Duration) {
	for _, r := range b.sim.Requests() {
		if r.Endpoint == endpoint {
			times = append(times, r.At.Sub(b.start))
		}
	}
	return times
}

// answered waits until n requests to the endpoint have been dealt with.
func (b *box) answered(n int, endpoint plextvsim.Endpoint) {
	b.Helper()
	b.must(b.sim.AwaitAnswers(b.soon(), n, endpoint))
}

func (b *box) pair(o auth.PinOptions) auth.Pairing {
	b.Helper()
	pairing, err := b.account.RequestPin(b.soon(), o)
	b.must(err)
	return pairing
}

// signIn stores a token of a new account at plex.tv.
func (b *box) signIn(user plextvsim.User) (token string) {
	b.Helper()
	token = b.sim.AddUser(user)
	b.must(b.account.Store(b.soon(), auth.Credentials{Token: secret.New(token)}))
	b.unread()
	return token
}
