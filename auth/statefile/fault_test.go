// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// errnos are what a full, failing, read-only or overworked system answers.
var errnos = []string{"ENOSPC", "EIO", "EROFS", "EMFILE", "EDQUOT"}

// scene is a directory and a state that is saved into it.
type scene struct {
	files   map[string]string // what lies there before, by name; nil without the directory
	running bool              // the daemon has loaded full before those files came
	spare   bool              // it has saved before, and left a spare
	save    statefile.State
	after   string // the names there after the save
}

var scenes = map[string]scene{
	"first":        {save: fullState(), after: "state.toml"},
	"replaced":     {files: map[string]string{"state.toml": strings.Replace(full, "Ann", "Bob", 1)}, save: fullState(), after: "state.toml"},
	"written over": {spare: true, save: titled("three"), after: "state.toml"},
	"rewritten": {files: map[string]string{"state.toml": odd["inline table"]}, save: fullState(),
		after: "state.toml state.toml.orig"},
	"signed out": {running: true, files: map[string]string{"state.toml.orig": token, ".state.toml81": token,
		"state.toml.corrupt-20250101T000000Z": token}, save: signedOut(), after: "state.toml"},
}

func (s scene) box(t testing.TB) box {
	b := newBox(t, "")
	// In memory, where there is such a place: no fault is the disk's own here.
	if memory, err := os.MkdirTemp("/dev/shm", "statefile"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(memory) })
		b.dir = memory
	}
	b.dir = filepath.Join(b.dir, "box")
	b.path = filepath.Join(b.dir, "state.toml")
	b.File = b.reopened()
	if s.spare {
		b.withSpare()
	}
	if s.files == nil {
		return b
	}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if s.running {
		b.write(full)
		b.wantState(fullState())
	}
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// reopened is the file as the next start of the daemon has it.
func (b box) reopened() *statefile.File {
	return statefile.Open(b.path, clockwork.NewFakeClockAt(utc("2026-01-15T12:00:00Z")))
}

// TestFaultsWhileSaving has the kernel refuse each call of a Save, one at a
// time, with each errno.
func TestFaultsWhileSaving(t *testing.T) {
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			b := s.box(t)
			calls := straced(b, func() { b.save(s.save) })
			b.wantFiles(strings.Fields(s.after)...)
			for _, fault := range faults(calls) {
				t.Run(fault, func(t *testing.T) {
					t.Parallel()
					s.saveWith(t, fault)
				})
			}
		})
	}
}

// faults are strace's expressions that fail each of calls with each errno.
func faults(calls []kernelCall) []string {
	var all []string
	seen := make(map[string]int)
	for _, call := range calls {
		seen[call.name]++
		for _, errno := range errnos {
			all = append(all, fmt.Sprintf("%s:error=%s:when=%d", call.name, errno, seen[call.name]))
		}
	}
	return all
}

func (s scene) saveWith(t *testing.T, fault string) {
	b := s.box(t)
	before := b.onDisk()
	var err error
	calls := straced(b, func() { err = b.Save(s.save) }, fault)
	if !injected(calls) {
		t.Fatal("the kernel refused nothing")
	}
	want := before
	var failed *statefile.WriteError
	switch {
	case err == nil:
		want = s.save
	case !errors.As(err, &failed) || failed.Op == "" || failed.Path == "":
		t.Errorf("Save: %#v, want a *WriteError with operation and path", err)
	default:
		b.wantPlainText(err)
	}
	if got := b.onDisk(); !reflect.DeepEqual(got, want) {
		t.Errorf("Save: %v; on disk is %+v, want %+v", err, got, want)
	}
	if err == nil {
		b.wantFiles(strings.Fields(s.after)...)
	}
	b.wantPrivate()
	b.save(s.save)
	b.wantPrivate()
	b.wantFiles(strings.Fields(s.after)...)
	b.File = b.reopened()
	b.wantState(s.save)
}

func injected(calls []kernelCall) bool {
	for _, call := range calls {
		if strings.HasSuffix(call.line, "(INJECTED)") {
			return true
		}
	}
	return false
}

// onDisk is what the next start would find; a copy is asked, because Load tidies up.
func (b box) onDisk() statefile.State {
	b.Helper()
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return statefile.State{}
	}
	if err != nil {
		b.Fatal(err)
	}
	state, err := newBox(b.TB, string(text)).Load()
	var corrupt *statefile.CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		b.Fatal(err)
	}
	return state
}

// wantPrivate wants nothing for the eyes of others, below and including the directory.
func (b box) wantPrivate() {
	b.Helper()
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			b.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// TestFaultsWhileLoading has the kernel refuse each call of a Load: what cannot
// be read is not taken for corrupt.
func TestFaultsWhileLoading(t *testing.T) {
	s := scene{files: map[string]string{"state.toml": full, ".state.toml81": token}}
	b := s.box(t)
	calls := straced(b, func() { b.wantState(fullState()) })
	for _, fault := range faults(calls) {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b := s.box(t)
			var state statefile.State
			var err error
			if calls := straced(b, func() { state, err = b.Load() }, fault); !injected(calls) {
				t.Fatal("the kernel refused nothing")
			}
			var access *statefile.AccessError
			switch {
			case err == nil && !reflect.DeepEqual(state, fullState()):
				t.Errorf("Load() = %+v", state)
			case err != nil && (!errors.As(err, &access) || state != (statefile.State{})):
				t.Errorf("Load() = %+v, %v, want no state and an *AccessError", state, err)
			}
			b.wantText(full)
			b.wantState(fullState())
			b.wantFiles("state.toml")
		})
	}
}

// steps are the calls that decide what a power cut leaves.
var steps = regexp.MustCompile(`^(mkdirat|write|ftruncate|fsync|fdatasync|renameat2?|linkat|unlinkat)$`)

// TestTheOrderThatSurvivesPowerCuts: the temporary file is whole on the disk
// before it gets its name, then the file under its new name (for vfat, see
// confirm), then the directory.
func TestTheOrderThatSurvivesPowerCuts(t *testing.T) {
	b := scenes["first"].box(t)
	var got []string
	for _, call := range straced(b, func() { b.save(fullState()) }) {
		if subjects := b.subjects(call); subjects != "" && steps.MatchString(call.name) {
			got = append(got, call.name+" "+subjects)
		}
	}
	want := []string{
		"mkdirat box", "fsync parent",
		"write temporary", "fsync temporary", "renameat temporary state.toml", "fsync state.toml", "fsync box",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the calls are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// subjects names the files of a call, in its order; none if there is no such file.
func (b box) subjects(call kernelCall) string {
	if strings.Contains(call.line, "= -1 ENOENT") {
		return ""
	}
	var names []string
	for _, path := range regexp.MustCompile(`[<"](/[^>"]*)[>"]`).FindAllStringSubmatch(call.line, -1) {
		switch {
		case path[1] == filepath.Dir(b.dir):
			names = append(names, "parent")
		case strings.HasPrefix(path[1], b.dir+"/.state.toml"), strings.HasPrefix(path[1], b.dir+"/.servers.toml"):
			names = append(names, "temporary")
		case path[1] == b.dir || path[1] == b.path || path[1] == b.serversPath():
			names = append(names, filepath.Base(path[1]))
		}
	}
	return strings.Join(names, " ")
}

func TestDirectoriesWithoutFsync(t *testing.T) {
	b := newBox(t, "")
	straced(b, func() { b.save(fullState()) }, "fsync:error=EINVAL:when=3")
	b.wantState(fullState())
}

func TestFsyncFails(t *testing.T) {
	for i, op := range []string{"write", "confirm", "confirm"} {
		for _, s := range []scene{scenes["replaced"], {files: map[string]string{}, save: fullState()}} {
			b := s.box(t)
			before := b.onDisk()
			straced(b, func() {
				if failed := b.wantWriteError(s.save); failed.Op != op || !errors.Is(failed, syscall.EIO) {
					t.Errorf("Save: %v, want it to name %q and EIO", failed, op)
				}
			}, fmt.Sprintf("fsync:error=EIO:when=%d", i+1))
			if got := b.onDisk(); !reflect.DeepEqual(got, before) {
				t.Errorf("on disk is %+v, want %+v", got, before)
			}
		}
	}
}
