// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// said is a signal as its service sends it.
type said struct {
	path   dbus.ObjectPath
	signal string
	body   []any
}

const (
	logind         = "org.freedesktop.login1"
	networkManager = "org.freedesktop.NetworkManager"
	networkd       = "org.freedesktop.network1"
	connMan        = "net.connman"
)

func prepareForSleep(start bool) said {
	return said{"/org/freedesktop/login1", logind + ".Manager.PrepareForSleep", []any{start}}
}

func networkManagerState(state uint32) said {
	return said{"/org/freedesktop/NetworkManager", networkManager + ".StateChanged", []any{state}}
}

func networkdChanged(words map[string]string) said {
	changed := map[string]dbus.Variant{}
	for property, word := range words {
		changed[property] = dbus.MakeVariant(word)
	}
	return said{"/org/freedesktop/network1", properties + ".PropertiesChanged", []any{networkd + ".Manager", changed, []string{}}}
}

func connManState(word string) said {
	return said{"/", connMan + ".Manager.PropertyChanged", []any{"State", dbus.MakeVariant(word)}}
}

// wakeLog hears of wake-ups in the order of the signals: the calls of Wake may
// overtake each other.
type wakeLog struct {
	slog.Handler
	sources chan string
}

func (w wakeLog) Enabled(context.Context, slog.Level) bool { return true }

func (w wakeLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "source" {
			w.sources <- a.Value.String()
		}
		return true
	})
	return nil
}

// sleeper is a box that hears of wake-ups.
type sleeper struct {
	*box
	sources chan string // as logged
	calls   chan struct{}
}

func newSleeper(t *testing.T, s setup) *sleeper {
	t.Helper()
	w := &sleeper{sources: make(chan string, 64), calls: make(chan struct{}, 64)}
	s.log = slog.New(wakeLog{slog.DiscardHandler, w.sources})
	s.wake = func() { w.calls <- struct{}{} }
	w.box = newBox(t, s)
	w.awaitMatchRules(8)
	return w
}

// service is somebody with a name on the bus.
type service struct {
	t    *testing.T
	ctx  context.Context // ends when the test has taken too long
	name string
	conn *dbus.Conn
}

func newService(t *testing.T, bus *bustest.Bus, name string) *service {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &service{t, ctx, name, bus.Own(t, name)}
}

// leaves gives the name up and stays on the bus.
func (s *service) leaves() {
	s.t.Helper()
	if _, err := s.conn.ReleaseName(s.name); err != nil {
		s.t.Fatal(err)
	}
}

// says tells everybody.
func (s *service) says(what said) {
	s.t.Helper()
	if err := s.conn.Emit(what.path, what.signal, what.body...); err != nil {
		s.t.Fatal(err)
	}
}

// tells sends a signal straight to the daemon, and returns when the daemon has
// read it.
func (s *service) tells(what said) {
	s.t.Helper()
	s.conn.Send(bustest.Signal(names.Bus, what.path, what.signal, what.body...), nil)
	s.ping()
}

// ping returns when the daemon has read all that this service has sent.
func (s *service) ping() {
	s.t.Helper()
	if err := s.conn.Object(names.Bus, names.Path).CallWithContext(s.ctx, "org.freedesktop.DBus.Peer.Ping", 0).Err; err != nil {
		s.t.Fatal(err)
	}
}

// wakesFor fails the test unless the next wake-up is because of that service.
func (w *sleeper) wakesFor(source string) {
	w.t.Helper()
	if got := await(w.box, w.sources, "a wake-up"); got != source {
		w.t.Fatalf("woken by %s, want %s", got, source)
	}
	await(w.box, w.calls, "a call of Wake")
}

// sleepsOn fails the test if anything has woken the daemon since.
func (w *sleeper) sleepsOn(because string) {
	w.t.Helper()
	if len(w.sources) > 0 {
		w.t.Fatalf("woken by %s: %s", <-w.sources, because)
	}
}
