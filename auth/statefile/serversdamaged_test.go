// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"os"
	"testing"
)

func TestWhatIsNoListOfMediaServers(t *testing.T) {
	for name, put := range badServers {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "")
			b.save(someServers())
			good := b.serversText()
			if err := errors.Join(os.Remove(b.serversPath()), put(b, b.serversPath(), good)); err != nil {
				t.Fatal(err)
			}
			b.File = b.reopened()
			reported := b.reports()
			b.wantState(fullState())
			s := someServers()
			s.Auth.Title = "Bob"
			for range 2 {
				b.save(s)
			}
			if len(*reported) != 1 {
				t.Errorf("reported %d times: %v", len(*reported), *reported)
			}
			if name == "directory" {
				s.Servers = nil
				b.wantState(s)
				b.save(signedOut()) // there is no token of ours in it
				if err := os.RemoveAll(b.serversPath()); err != nil {
					t.Fatal(err)
				}
			}
			b.save(someServers())
			b.wantState(someServers())
			b.wantMode(b.serversPath(), 0o600)
		})
	}
}

// A file that somebody has damaged gives the list as it was or none.
func TestEveryByteOfTheMediaServersCounts(t *testing.T) {
	for _, open := range []func(testing.TB, string) box{newBox, newSealedBox} {
		b := open(t, "")
		b.save(someServers())
		good := b.serversText()
		for at := range good {
			b.writeServers(good[:at] + string(good[at]^1) + good[at+1:])
			state, err := b.Load()
			if err != nil {
				t.Fatal(err)
			}
			if state.Servers != nil && !state.Servers.List.Equal(someServers().Servers.List) {
				t.Errorf("with another byte %d the list is %q", at, state.Servers.List.Reveal())
			}
		}
	}
}

func TestMediaServersThatVanishAreKeptAgain(t *testing.T) {
	b := newBox(t, "")
	b.save(someServers())
	for name, touch := range map[string]func() error{
		"removed":  func() error { return os.Remove(b.serversPath()) },
		"replaced": func() error { return os.WriteFile(b.serversPath(), []byte("x"), 0o600) },
	} {
		if err := touch(); err != nil {
			t.Fatal(err)
		}
		b.save(someServers())
		if state, err := b.Load(); err != nil || state.Servers == nil {
			t.Errorf("%s: Load() = %s, %v, want the servers", name, spelled(state), err)
		}
	}
}
