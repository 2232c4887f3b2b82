// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// reader is a client that reads what comes to its connection in the order in which
// it comes, and calls one method at a time.
type reader struct {
	*flooder
	heard   []string // signals since the last answer, by member
	servers []string // machine ids in the property SelectedServer since then
	// What the signals have said so far.
	pins  map[uint64]bool // pairings in the property Pin
	ended map[uint64]bool // pairings in PinEnded
}

func (b *box) reader() *reader {
	b.Helper()
	r := &reader{flooder: b.flooder(), pins: map[uint64]bool{}, ended: map[uint64]bool{}}
	r.subscribe()
	return r
}

// call calls a member, as [frontend.call] does, reads up to the answer and gives what
// it returns and the name of the error.
func (r *reader) call(member string, args ...any) (results []any, failed string) {
	r.b.Helper()
	r.heard, r.servers = nil, nil
	r.flood(r.b.request(names.Bus, names.Bus+"."+member, 0, args...), 1)
	for {
		m := r.decode(r.read())
		if m.Type != dbus.TypeSignal {
			return m.Body, failureOf(m)
		}
		r.hear(m)
	}
}

func (r *reader) hear(m *dbus.Message) {
	member := m.Headers[dbus.FieldMember].Value().(string)
	r.heard = append(r.heard, member)
	switch member {
	case "PinEnded":
		r.ended[m.Body[0].(uint64)] = true
	case "PropertiesChanged":
		changed := m.Body[1].(map[string]dbus.Variant)
		if pin, found := changed["Pin"]; found {
			r.pins[pin.Value().([]any)[0].(uint64)] = true
		}
		if server, found := changed["SelectedServer"]; found {
			r.servers = append(r.servers, server.Value().([]any)[0].(string))
		}
	}
}

// changes calls a member and wants the signals before the answer.
func (r *reader) changes(signals, member string, args ...any) (results []any) {
	r.b.Helper()
	results, failed := r.call(member, args...)
	if heard := strings.Join(r.heard, " "); failed != "" || heard != signals {
		r.b.Errorf("%s: before the answer %q came %q, not %q", member, failed, heard, signals)
	}
	return results
}

// TestSignalsComeBeforeTheAnswer calls every method that changes something.
func TestSignalsComeBeforeTheAnswer(t *testing.T) {
	const changed, signedIn, ended = "PropertiesChanged", "PropertiesChanged AuthChanged", "PropertiesChanged PinEnded"
	b := newBox(t)
	p := b.Start()
	alice := b.Sim.AddUser(plextvsim.User{Username: "alice", UUID: "a11ce", HomeAdmin: true})
	kim, err := b.Sim.AddHomeUser(alice, plextvsim.User{Username: "kim"})
	if err != nil {
		t.Fatal(err)
	}
	r := b.reader()
	r.changes(changed, "RequestPin")
	force := map[string]dbus.Variant{"force": dbus.MakeVariant(true)}
	pin := r.changes(ended, "RequestPinWithOptions", force)
	r.changes(ended, "CancelPin", pin[0])
	pin = r.changes(changed, "RequestPin")
	if err := b.Sim.Claim(pin[1].(string), alice); err != nil {
		t.Fatal(err)
	}
	r.changes(signedIn+" PinEnded", "CheckPinStatus", pin[0]) // unless the daemon has asked already
	r.changes(changed, "Credentials.SelectServer", "machine", "https://10.0.0.2:32400")
	r.changes(signedIn, "Home.SwitchUser", kim, "")
	r.changes(signedIn, "Credentials.SignOut")
	r.changes(signedIn, "Credentials.StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(alice)})
	b.unconfirm(p)
	r.changes(changed, "Validate")
	r.changes(signedIn, "Credentials.ClearCredentials")
	r.changes("", "Credentials.ClearCredentials")
}

// unconfirm restarts the daemon while plex.tv cannot be reached.
func (b *box) unconfirm(p *daemontest.Process) {
	b.Helper()
	p.Signal(syscall.SIGTERM)
	p.Wait()
	b.Sim.Fail(plextvsim.Fault{Reset: true})
	b.Start()
	b.Sim.Clear()
}

// TestSignalsComeBeforeAThousandAnswers has 8 callers change things at once. Signals of
// others come in between; those of the caller's own change come before its answer, or
// say what somebody else has changed since.
func TestSignalsComeBeforeAThousandAnswers(t *testing.T) {
	const callers, calls = 8, 1000 / 8
	b := newBox(t)
	b.Program = daemontest.Release(t)
	b.Start("--log-level", "info")
	b.SignIn(b.Frontend())
	var calling sync.WaitGroup
	var answered selections
	for caller := range callers {
		r := b.reader()
		calling.Go(func() {
			for n := range calls {
				r.selectServer(&answered, fmt.Sprint("machine-", caller, "-", n))
				if n%25 == 3*caller {
					r.pairAndCancel()
				}
			}
		})
	}
	calling.Wait()
}

// selections are the machines of calls that have been answered.
type selections struct {
	mu   sync.Mutex
	done []string
}

func (s *selections) soFar() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

func (s *selections) add(machine string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, machine)
}

// selectServer wants to hear of a selection that is not older than its own: of one
// that had not been answered when this was called.
func (r *reader) selectServer(answered *selections, machine string) {
	older := answered.soFar()
	_, failed := r.call("Credentials.SelectServer", machine, "https://10.0.0.2:32400")
	newer := func(machine string) bool { return !slices.Contains(older, machine) }
	if failed != "" || !slices.ContainsFunc(r.servers, newer) {
		r.b.Errorf("SelectServer(%s): before the answer %q came %v", machine, failed, r.heard)
	}
	answered.add(machine)
}

// pairAndCancel starts a pairing, or finds that of another caller, and ends it.
func (r *reader) pairAndCancel() {
	pin, failed := r.call("RequestPin")
	if failed == names.ErrorPrefix+"RateLimited" {
		return
	}
	if failed != "" || !r.pins[pin[0].(uint64)] {
		r.b.Errorf("RequestPin: before the answer %q came %v", failed, r.heard)
		return
	}
	_, failed = r.call("CancelPin", pin[0])
	if failed == "" && !r.ended[pin[0].(uint64)] {
		r.b.Errorf("CancelPin: before the answer came %v", r.heard)
	}
}
