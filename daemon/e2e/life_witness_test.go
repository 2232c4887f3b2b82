// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// view is what the properties show, as far as a model knows it.
type view struct {
	State         string
	Authenticated bool
	Pin           uint64
	AuthMode      string
	Server        string
	Expires       bool // TokenExpiresAt is known
}

// witness is a caller that takes down what is signalled, and looks at the disk
// when it is.
type witness struct {
	*daemontest.Frontend
	state, copy string // the state file, and where to read a copy of it

	mu    sync.Mutex
	seen  map[string]dbus.Variant // properties
	told  string                  // AuthChanged and PinEnded since last asked, a line each
	all   strings.Builder         // whatever was ever signalled
	wrong string                  // what should not have been
	busy  bool                    // the disk may be ahead of the signals: two are calling
	crash func()                  // ends the daemon at the next AuthChanged, if not nil
	heard chan struct{}           // holds one token when there is something new
}

func newWitness(b *box, number int) *witness {
	w := &witness{
		Frontend: b.Frontend(), state: b.State, copy: filepath.Join(b.Dir, fmt.Sprintf("copy%d.toml", number)),
		seen: map[string]dbus.Variant{}, heard: make(chan struct{}, 1),
	}
	go func() {
		for s := range w.Signals { // until the connection ends
			w.hear(s)
		}
	}()
	return w
}

func (w *witness) hear(s *dbus.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(&w.all, s.Name, s.Body)
	switch s.Name {
	case "org.freedesktop.DBus.Properties.PropertiesChanged":
		changed := s.Body[1].(map[string]dbus.Variant)
		for name, value := range changed {
			w.seen[name] = value
		}
		if _, ok := changed["Pin"]; ok {
			w.provePin()
		}
	case names.Main + ".AuthChanged":
		if w.crash != nil {
			w.crash()
		}
		reason := s.Body[1].(map[string]dbus.Variant)["reason"].Value()
		w.told += fmt.Sprintf("AuthChanged %v %v\n", s.Body[0], reason)
		w.proveAuth(s.Body[0].(bool), reason.(string))
	case names.Main + ".PinEnded":
		w.told += fmt.Sprintf("PinEnded %v %v\n", s.Body...)
	case caughtUp:
		close(s.Body[0].(chan struct{}))
	}
	select {
	case w.heard <- struct{}{}:
	default:
	}
}

// proveAuth checks what an AuthChanged says: the properties and the disk have it
// already.
func (w *witness) proveAuth(authenticated bool, reason string) {
	if now := w.view(); now.Authenticated != authenticated {
		w.wrong = fmt.Sprintf("AuthChanged %v came before the property Authenticated changed", authenticated)
	}
	disk, err := w.disk()
	kept := disk.Auth != nil && disk.Auth.RefusedAt.IsZero() == authenticated
	if reason == "signed-out" {
		kept = disk.Auth == nil
	}
	if (err != nil || !kept) && !w.busy {
		w.wrong = fmt.Sprintf("AuthChanged %v %s came before it was on disk", authenticated, reason)
	}
}

// provePin checks the same of a new pairing.
func (w *witness) provePin() {
	pin := w.view().Pin
	disk, err := w.disk()
	if kept := err == nil && (disk.Pairing == nil && pin == 0 || disk.Pairing != nil && disk.Pairing.ID == pin); !kept && !w.busy {
		w.wrong = "the property Pin changed before that was on disk"
	}
}

// disk is what a daemon would find. It reads a copy, because loading tidies up.
func (w *witness) disk() (statefile.State, error) {
	text, err := os.ReadFile(w.state)
	if err != nil {
		return statefile.State{}, err
	}
	if err := os.WriteFile(w.copy, text, 0o600); err != nil {
		return statefile.State{}, err
	}
	return statefile.Open(w.copy, clockwork.NewRealClock()).Load()
}

// view needs mu.
func (w *witness) view() view { return viewOf(w.seen) }

func viewOf(properties map[string]dbus.Variant) (v view) {
	var expires int64
	var pin, server []any
	for name, into := range map[string]any{
		"State": &v.State, "Authenticated": &v.Authenticated, "Pin": &pin, "AuthMode": &v.AuthMode,
		"SelectedServer": &server, "TokenExpiresAt": &expires,
	} {
		if value, ok := properties[name]; ok {
			_ = dbus.Store([]any{value.Value()}, into)
		}
	}
	if len(pin) > 0 {
		v.Pin = pin[0].(uint64)
	}
	if len(server) > 0 {
		v.Server = server[0].(string)
	}
	v.Expires = expires != 0
	return v
}

// look reads all properties; what changes from then on is signalled.
func (w *witness) look() error {
	w.mu.Lock() // from the call on: what changes after the answer is heard after it
	defer w.mu.Unlock()
	all, err := w.read()
	w.seen = all
	return err
}

func (w *witness) read() (all map[string]dbus.Variant, err error) {
	properties := w.Conn.Object(names.Bus, names.Path)
	err = properties.Call("org.freedesktop.DBus.Properties.GetAll", 0, names.Main).Store(&all)
	return all, err
}

// isUpToDate tells that all has been signalled that the properties now show.
func (w *witness) isUpToDate() bool {
	all, err := w.read()
	now, _, _ := w.report()
	return err == nil && viewOf(all) == now
}

// caughtUp is a signal of the test's own.
const caughtUp = "caught up"

// catchUp waits until everything is heard that the bus has passed on.
func (w *witness) catchUp() {
	_ = w.Conn.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err
	heard := make(chan struct{})
	w.Signals <- &dbus.Signal{Name: caughtUp, Body: []any{heard}}
	<-heard
}

// everything is whatever was signalled, for those who look for secrets.
func (w *witness) everything() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

// report is what was seen and told since begin.
func (w *witness) report() (now view, told, wrong string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.view(), w.told, w.wrong
}

// begin begins a new step; crash, if not nil, is for its first AuthChanged.
func (w *witness) begin(busy bool, crash func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told, w.busy, w.crash = "", busy, crash
}
