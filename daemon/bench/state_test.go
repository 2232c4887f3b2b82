//go:build bench

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

// stateRow saves states in turns with the barest durable replacement of a file as
// long: write, fsync, rename, fsync of the directory. The two fsyncs of that are
// the reference, timed alone: a file system that loses power may have the new name
// without the content or lack the new name unless both are asked for. Save also
// reads and parses what is there, edits it, and parses what it is about to write.
func (b *benchmark) stateRow() row {
	saved, replaced := b.t.TempDir(), b.t.TempDir()
	path := filepath.Join(saved, "state.toml")
	file := statefile.Open(path, clockwork.NewRealClock())
	state := statefile.State{ClientID: "3f0c", Auth: &statefile.Auth{Token: secret.New("token"), UserID: "42", Username: "ann"}}
	var save, bare, fsyncs samples
	for n := range b.rounds(400) {
		state.Auth.Title = strconv.Itoa(n)
		began := time.Now()
		if err := file.Save(state); err != nil {
			b.t.Fatal(err)
		}
		save = append(save, microseconds(time.Since(began)))
		text, err := os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		began = time.Now()
		inSync, err := replace(filepath.Join(replaced, "state.toml"), text)
		if err != nil {
			b.t.Fatal(err)
		}
		bare, fsyncs = append(bare, microseconds(time.Since(began))), append(fsyncs, microseconds(inSync))
	}
	return row{fmt.Sprintf("state saved durably on %s, µs", fileSystem(saved)), save, []reference{
		{"the two fsyncs it needs", fsyncs, aim{"≤", 1.5}},
		{"barest durable replacement", bare, aim{}},
	}}
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
