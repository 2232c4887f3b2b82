// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// switched is a state in which another user of the home uses the box.
func switched(servers *statefile.Servers) statefile.State {
	s := fullState()
	s.Auth.UserID, s.Auth.Token, s.Servers = "43", secret.New("kim-Tz39wB"), servers
	return s
}

// turn is a save that changes what is known of the media servers.
type turn struct {
	before, after statefile.State
	old           bool     // the state before lies on the disk as an older version leaves it
	calls         []string // that decide what a power cut leaves
}

var turns = map[string]turn{
	"first list": {before: fullState(), after: someServers(), calls: []string{
		"fsync state.toml", "fsync box",
		"write temporary", "fsync temporary", "renameat temporary servers.toml", "fsync servers.toml", "fsync box",
	}},
	"signed out": {before: someServers(), after: signedOut(), calls: []string{
		"unlinkat servers.toml",
		"write temporary", "fsync temporary", "renameat temporary state.toml", "fsync state.toml", "fsync box",
	}},
	"switched": {before: someServers(), after: switched(nil), calls: []string{
		"unlinkat servers.toml",
		"write temporary", "fsync temporary", "renameat temporary state.toml", "fsync state.toml", "fsync box",
	}},
	"switched, with a list": {before: someServers(), after: switched(&statefile.Servers{List: secret.New("[]")}), calls: []string{
		"write temporary", "fsync temporary", "renameat temporary state.toml", "fsync state.toml", "fsync box",
		"write temporary", "fsync temporary", "renameat temporary servers.toml", "fsync servers.toml", "fsync box",
	}},
	"taken over": {before: someServers(), after: someServers(), old: true, calls: []string{
		"write temporary", "fsync temporary", "renameat temporary servers.toml", "fsync servers.toml", "fsync box",
		"write temporary", "fsync temporary", "renameat temporary state.toml", "fsync state.toml", "fsync box",
	}},
}

// box is one that is running with the state before the turn.
func (c turn) box(t testing.TB) box {
	b := scene{files: map[string]string{}}.box(t)
	if c.old {
		b.write(lastRelease)
	} else {
		b.save(c.before)
		b.File = b.reopened()
	}
	b.wantState(c.before)
	return b
}

func TestTheOrderInWhichMediaServersAreKept(t *testing.T) {
	for name, c := range turns {
		t.Run(name, func(t *testing.T) {
			b := c.box(t)
			var got []string
			for _, call := range straced(b, func() { b.save(c.after) }) {
				if subjects := b.subjects(call); subjects != "" && steps.MatchString(call.name) {
					got = append(got, call.name+" "+subjects)
				}
			}
			if !reflect.DeepEqual(got, c.calls) {
				t.Errorf("the calls are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.calls, "\n"))
			}
		})
	}
}

// TestFaultsWhileKeepingMediaServers fills the disk before each call of a save, and has
// each fsync fail. What is left is one of the two states, with its own list or none.
func TestFaultsWhileKeepingMediaServers(t *testing.T) {
	for name, c := range turns {
		t.Run(name, func(t *testing.T) {
			b := c.box(t)
			calls := straced(b, func() { b.save(c.after) })
			for _, fault := range faults(calls) {
				if strings.Contains(fault, "ENOSPC") || strings.HasPrefix(fault, "fsync:error=EIO") {
					t.Run(fault, func(t *testing.T) {
						t.Parallel()
						c.saveWith(t, fault)
					})
				}
			}
		})
	}
}

func (c turn) saveWith(t *testing.T, fault string) {
	b := c.box(t)
	b.reports()
	var err error
	if calls := straced(b, func() { err = b.Save(c.after) }, fault); !injected(calls) {
		t.Fatal("the kernel refused nothing")
	}
	want := c.before
	if err == nil {
		want = c.after
	} else {
		b.wantPlainText(err)
	}
	got := b.found()
	if got.Servers == nil {
		want.Servers = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Save: %v; on disk is %s, want %s", err, spelled(got), spelled(want))
	}
	b.wantPrivate()
	b.save(c.after)
	b.wantState(c.after)
	b.File = b.reopened()
	b.wantState(c.after)
	b.save(c.after)
	if c.after.Servers == nil {
		b.wantFiles("state.toml")
	} else {
		b.wantFiles(statefile.ServersName, "state.toml")
	}
}

// found is what the next start would find; a copy is asked, because Load tidies up.
func (b box) found() statefile.State {
	b.Helper()
	next := newBox(b.TB, "")
	for _, name := range []string{"state.toml", statefile.ServersName} {
		if text, err := os.ReadFile(filepath.Join(b.dir, name)); err == nil {
			if err := os.WriteFile(filepath.Join(next.dir, name), text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	state, err := next.Load()
	if err != nil {
		b.Fatal(err)
	}
	return state
}

// A sign-out does not fail because the list of media servers stays.
func TestMediaServersThatCannotBeRemoved(t *testing.T) {
	b := turns["signed out"].box(t)
	reported := b.reports()
	if calls := straced(b, func() { b.save(signedOut()) }, "unlinkat:error=EBUSY:when=1"); !injected(calls) {
		t.Fatal("the kernel refused nothing")
	}
	if len(*reported) != 1 {
		t.Errorf("reported: %v", *reported)
	}
	b.File = b.reopened()
	b.wantState(signedOut())
	b.wantFiles("state.toml") // the next start removes it
}
