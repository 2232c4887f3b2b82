// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// measure is how large the daemon is at a moment.
type measure struct {
	// MiB, of the kernel. The proportional size would depend on how many run the program.
	Resident, Anonymous float64
	Heap                float64 // MiB, in use after a collection
	Files               int     // open file descriptors
	Threads             int
	Goroutines          int
}

func (m measure) String() string {
	return fmt.Sprintf("resident %5.2f MiB, anonymous %5.2f, heap %5.3f; %d files, %d threads, %d goroutines",
		m.Resident, m.Anonymous, m.Heap, m.Files, m.Threads, m.Goroutines)
}

// measure asks the kernel and the daemon.
func (b *box) measure() (m measure) {
	b.Helper()
	counts := b.count(syscall.SIGUSR1)
	process := fmt.Sprintf("/proc/%d/", b.process.Pid)
	return measure{
		Resident: b.process.Memory("Rss:"), Anonymous: b.process.Memory("Anonymous:"),
		Heap: float64(counts.Heap) / (1 << 20), Goroutines: counts.Goroutines,
		Files: b.entries(process + "fd"), Threads: b.entries(process + "task"),
	}
}

func (b *box) entries(dir string) int {
	b.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	return len(entries)
}

// counts is what the daemon reports about itself; see soak.go of cmd/plexauthd.
type counts struct {
	Goroutines int
	Heap       uint64
	Stacks     string
}

func (b *box) count(signal syscall.Signal) (c counts) {
	b.Helper()
	_ = os.Remove(b.Path("counts"))
	b.process.Signal(signal)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		text, err := os.ReadFile(b.Path("counts"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	b.Fatalf("plexauthd does not count\n%s", &b.Printed)
	return c
}

// open names the files that the daemon has open.
func (b *box) open() string {
	dir := fmt.Sprintf("/proc/%d/fd", b.process.Pid)
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		name, _ := os.Readlink(dir + "/" + entry.Name())
		names = append(names, name)
	}
	return strings.Join(names, " ")
}
