// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

const mockIntro = `Usage: plextv-sim mock [flags]

For people who draw a screen: runs plexauthd and a simulated plex.tv together, and
plays the people and misfortunes on the other side as keys are pressed. Nothing of
it lasts: the state is in a directory of its own, and goes with the program.

`

const mockOutro = `
Keys, or lines with the same names where standard input is no terminal; its end
quits:

`

// mockSettings are the command line of the mock.
type mockSettings struct{ bus, plexauthd, user string }

// parseMock reads the command line, as [parse].
func parseMock(args []string, stdout io.Writer) (mockSettings, error) {
	var s mockSettings
	flags := flag.NewFlagSet("plextv-sim mock", flag.ContinueOnError)
	flags.StringVar(&s.bus, "bus", "session", "`BUS` to put plexauthd on: session, system or a D-Bus address")
	flags.StringVar(&s.plexauthd, "plexauthd", "", "the daemon's `FILE`, if it is not in this program's directory or in PATH")
	flags.StringVar(&s.user, "user", "sim-user", "`NAME` of the user who claims, sim-user if not given")
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, mockIntro)
		printFlags(flags, stdout)
		_, _ = io.WriteString(stdout, mockOutro+keyHelp())
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && s.user == "":
		err = errors.New("--user is empty")
	}
	return s, err
}

// mock is a running mock.
type mock struct {
	out     io.Writer
	sim     *plextvsim.Sim
	control string // where the simulator takes orders
	client  *client.Client
	watch   *client.Watch
	daemon  *child
	state   client.State // as last told
}

// runMock runs the mock until it is told to quit.
func runMock(ctx context.Context, args []string, stdin *os.File, stdout io.Writer) error {
	s, err := parseMock(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &mock{out: &lines{w: stdout}}
	if m.client, err = client.Dial(ctx, s.bus); err != nil {
		return fmt.Errorf("%w; without a bus, start one: dbus-run-session -- plextv-sim mock", err)
	}
	defer func() { _ = m.client.Close() }()
	server, err := m.simulate(s)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := m.begin(ctx, s); err != nil {
		return err
	}
	defer m.daemon.stop()
	return m.serve(ctx, s, stdin)
}

// simulate makes a plex.tv where a family of three has accounts.
func (m *mock) simulate(s mockSettings) (*plextvsim.Server, error) {
	m.sim = plextvsim.New(plextvsim.Options{Log: m.out})
	admin := m.sim.AddUser(plextvsim.User{Username: s.user, HomeAdmin: true, Resources: plextvsim.SampleResources()})
	for _, user := range []plextvsim.User{
		{Username: "kim", Title: "Kim", Restricted: true},
		{Username: "bob", Title: "Bob", Restricted: true, PIN: bobsPIN},
	} {
		if _, err := m.sim.AddHomeUser(admin, user); err != nil {
			return nil, fmt.Errorf("making up a Plex Home: %w", err)
		}
	}
	server, err := plextvsim.Listen(withControl(m.sim), "127.0.0.1:0", false)
	if err != nil {
		return nil, err
	}
	m.control = server.URL + "/sim/"
	return server, nil
}

// begin starts the daemon and waits until it is on the bus.
func (m *mock) begin(ctx context.Context, s mockSettings) error {
	var err error
	if m.watch, err = m.client.Watch(ctx); err != nil {
		return err
	}
	if first := <-m.watch.Events; first.Kind == client.Snapshot {
		return errors.New("a plexauthd is on this bus already: stop it, or name another bus with --bus")
	}
	if m.daemon, err = startDaemon(s, strings.TrimSuffix(m.control, "/sim/")); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			m.daemon.stop()
			return nil
		case <-m.daemon.ended:
			return m.daemon.failure()
		case event, ok := <-m.watch.Events:
			if !ok {
				m.daemon.stop()
				return m.unwatched(ctx)
			}
			if event.Kind == client.Snapshot {
				return nil
			}
		}
	}
}

// serve obeys until quit, the end of standard input or a signal.
func (m *mock) serve(ctx context.Context, s mockSettings, stdin *os.File) error {
	orders, restore, err := readOrders(stdin)
	if err != nil {
		return err
	}
	defer restore()
	m.say("plexauthd is on %s; for a frontend that looks on the system bus:", s.bus)
	m.say("DBUS_SYSTEM_BUS_ADDRESS=%s", busAddress(s.bus))
	m.say("%s", strings.TrimSuffix(keyHelp(), "\n"))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.daemon.ended:
			return m.daemon.failure()
		case event, ok := <-m.watch.Events:
			if !ok {
				return m.unwatched(ctx)
			}
			m.tell(event)
		case order, ok := <-orders:
			if !ok || order == "q" || order == "quit" {
				return nil
			}
			m.obey(ctx, order)
		}
	}
}

// unwatched is why the watch has ended: nothing has gone wrong if the mock is to end.
func (m *mock) unwatched(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return m.watch.Err()
}

// busAddress is what DBUS_SYSTEM_BUS_ADDRESS has to be for that bus.
func busAddress(bus string) string {
	switch bus {
	case "session":
		return os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	case "system":
		return os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
	}
	return bus
}

// tell says what frontends hear.
func (m *mock) tell(e client.Event) {
	switch {
	case e.Kind == client.PinEnded:
		m.say("pairing ended: %s", e.Result)
	case e.Kind == client.AuthChanged:
		m.say("sign-in changed: %s", e.Reason)
	case e.Kind != client.Gone && e.Status.State != m.state:
		m.state = e.Status.State
		m.say("state: %s", m.state)
	}
}

func (m *mock) say(format string, args ...any) { _, _ = fmt.Fprintf(m.out, format+"\n", args...) }

// lines is a writer for several at once.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(text)
}
