// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// states saves states in turns with the barest durable replacement of a file as
// long: write, fsync, rename, fsync of the directory. The two fsyncs of that are
// the reference, timed alone. They are needed: without the first, a power cut may
// leave the new name without what belongs to it; without the second, the old file.
//
// Save also reads what is there, edits it, and parses what it is about to write.
// What that takes is found by saving in memory too, where fsync does nothing; the
// rest is the write. It returns the times of the barest replacement.
func (b *benchmark) states() (barest samples) {
	memory, err := os.MkdirTemp("/dev/shm", "bench")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = os.RemoveAll(memory) })
	dir, barePath := b.t.TempDir(), filepath.Join(b.t.TempDir(), "state.toml")
	onDisk, inMemory := newState(dir), newState(memory)
	var save, write, bare, fsyncs samples
	for n := range b.rounds(400) {
		all, less := b.timed(func() error { return onDisk.save(n) }), b.timed(func() error { return inMemory.save(n) })
		save, write = append(save, all), append(write, all-less)
		text, err := os.ReadFile(onDisk.path)
		if err != nil {
			b.t.Fatal(err)
		}
		var inSync time.Duration
		bare = append(bare, b.timed(func() error { inSync, err = replace(barePath, text); return err }))
		fsyncs = append(fsyncs, microseconds(inSync))
	}
	beside := []reference{{"the two fsyncs it needs", fsyncs, aim{"≤", 1.5}}, {"barest durable replacement", bare, aim{}}}
	b.services = append(b.services,
		row{fmt.Sprintf("state written durably, %s, µs", fileSystem(dir)), write, beside},
		row{"the same with reading, editing and checking, µs", save, beside})
	b.growth = append(b.growth, row{"a save as a whole, µs", save,
		[]reference{{"barest durable replacement", bare, aim{"≤", 1.15}}}})
	return bare
}

// state is a state file that is saved again and again.
type state struct {
	path string
	file *statefile.File
}

func newState(dir string) state {
	path := filepath.Join(dir, "state.toml")
	return state{path, statefile.Open(path, clockwork.NewRealClock())}
}

// save saves a state that is another one for each n.
func (s state) save(n int) error {
	return s.file.Save(statefile.State{ClientID: "3f0c", Auth: &statefile.Auth{
		Token: secret.New("token"), UserID: "42", Username: "ann", Title: strconv.Itoa(n),
	}})
}

// timed gives the microseconds that run takes.
func (b *benchmark) timed(run func() error) float64 {
	began := time.Now()
	if err := run(); err != nil {
		b.t.Fatal(err)
	}
	return microseconds(time.Since(began))
}

func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }

// replace puts text in the place of path with as little as is durable, and gives
// what its fsyncs took.
func replace(path string, text []byte) (inSync time.Duration, err error) {
	file, err := os.Create(path + ".new")
	if err != nil {
		return 0, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	_, err = file.Write(text)
	began := time.Now()
	err = errors.Join(err, file.Sync())
	inSync = time.Since(began)
	err = errors.Join(err, file.Close(), os.Rename(path+".new", path))
	began = time.Now()
	err = errors.Join(err, dir.Sync())
	inSync += time.Since(began)
	return inSync, errors.Join(err, dir.Close())
}

// fileSystem names the file system of a directory, with its options: discard
// makes removing a file dearer.
func fileSystem(dir string) string {
	var at syscall.Stat_t
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil {
		err = syscall.Stat(dir, &at)
	}
	if err != nil {
		return "?"
	}
	device := fmt.Sprintf("%d:%d", at.Dev>>8&0xfff, at.Dev&0xff|at.Dev>>12&0xfff00)
	for line := range strings.Lines(string(mounts)) {
		mount, system, _ := strings.Cut(line, " - ")
		if strings.Fields(mount)[2] != device {
			continue
		}
		kind := strings.Fields(system)[0]
		if strings.Contains(system, "discard") {
			kind += " with discard"
		}
		return kind
	}
	return "?"
}
