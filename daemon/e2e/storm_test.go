// SPDX-License-Identifier: Apache-2.0

//go:build rig

package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// storm is callers who change the chosen server as fast as they are answered.
type storm struct {
	changes atomic.Int64
	ending  chan struct{}
	callers sync.WaitGroup
}

func (b *box) storm(callers int) *storm {
	b.Helper()
	s := &storm{ending: make(chan struct{})}
	for caller := range callers {
		f := b.flooder()
		s.callers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-s.ending:
					return
				default:
				}
				f.flood(b.request(names.Bus, names.Credentials+".SelectServer", 0,
					fmt.Sprint("machine-", caller, "-", n), "https://10.0.0.2:32400"), 1)
				if f.answer() == "" { // nobody may be signed in right now
					s.changes.Add(1)
				}
			}
		})
	}
	return s
}

// end returns how many changes there were.
func (s *storm) end() int64 {
	close(s.ending)
	s.callers.Wait()
	return s.changes.Load()
}

// listener subscribes to all signals and notes each AuthChanged, until the bus has
// answered a call that it makes at the end.
type listener struct {
	*flooder
	heard chan []bool // what AuthChanged said, in order
}

func (b *box) listener() *listener {
	b.Helper()
	l := &listener{b.flooder(), make(chan []bool, 1)}
	l.subscribe()
	go l.listen()
	return l
}

func (l *listener) listen() {
	var heard []bool
	for {
		raw := l.read()
		switch {
		case dbus.Type(raw[1]) != dbus.TypeSignal:
			l.heard <- heard
			return
		case bytes.Contains(raw, []byte("AuthChanged\x00")):
			heard = append(heard, l.decode(raw).Body[0].(bool))
		}
	}
}

// all gives what it has heard, up to what the daemon has sent so far.
func (l *listener) all() []bool {
	l.b.Helper()
	l.flood(l.b.request(names.Bus, "org.freedesktop.DBus.Peer.Ping", 0), 1)
	return <-l.heard
}

// TestStormLosesNoSignIn has 3 callers change the server for five seconds while somebody
// signs out and in. Each of 200 listeners hears all of that, once, in order.
func TestStormLosesNoSignIn(t *testing.T) {
	const listeners = 200
	b, p, f := floodBox(t, bustest.Roomy(t))
	all := make([]*listener, listeners)
	for i := range all {
		all[i] = b.listener()
	}
	s := b.storm(3)
	want := signOutAndIn(f, 5*time.Second)
	changes := s.end()
	for i, l := range all {
		if heard := l.all(); !slices.Equal(heard, want) {
			t.Errorf("listener %d of %d heard AuthChanged %d times, not %d: %v", i, listeners, len(heard), len(want), heard)
		}
	}
	checkMemory(p, fmt.Sprintf("%d changes, %d listeners", changes, listeners))
}

// signOutAndIn does so for that long, at the pace at which the daemon asks plex.tv,
// and returns what AuthChanged has to say. In between somebody is signed in.
func signOutAndIn(f *daemontest.Frontend, lasts time.Duration) (want []bool) {
	f.Helper()
	token := map[string]dbus.Variant{"token": dbus.MakeVariant(f.Token())}
	for began := time.Now(); time.Since(began) < lasts; {
		<-time.After(lasts / 4)
		if err := f.Call("Credentials.ClearCredentials").Err; err != nil {
			f.Fatal(err)
		}
		err := f.Call("Credentials.StoreCredentials", token).Err
		for ; failureIs(err, "RateLimited"); err = f.Call("Credentials.StoreCredentials", token).Err {
			<-time.After(10 * time.Millisecond)
		}
		if err != nil {
			f.Fatal(err)
		}
		want = append(want, false, true)
	}
	return want
}

func failureIs(err error, code string) bool {
	failed, ok := err.(dbus.Error)
	return ok && failed.Name == names.ErrorPrefix+code
}

// TestListenerThatStopsReading has one on each kind of bus. It costs neither the daemon
// nor others anything.
func TestListenerThatStopsReading(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *bustest.Bus{
		"dbus-daemon": bustest.Session, "dbus-broker": bustest.DBusBroker,
	} {
		t.Run(name, func(t *testing.T) {
			b, p, f := floodBox(t, start(t))
			before := p.Memory("Rss:")
			b.flooder().subscribe() // and reads nothing more
			other, bystander := b.listener(), b.bystander()
			s := b.storm(3)
			want := signOutAndIn(f, 3*time.Second)
			changes := s.end()
			if heard := other.all(); !slices.Equal(heard, want) {
				t.Errorf("another listener heard %v, not %v", heard, want)
			}
			checkMemory(p, fmt.Sprintf("%d changes, bystander %v", changes, bystander.wait()))
			b.checkDrained(p, before)
		})
	}
}
