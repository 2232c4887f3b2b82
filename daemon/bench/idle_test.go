// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// idlers are daemons that are signed in over TLS and then left alone while other
// rows are measured. Each runs from a file of its own: what processes share is
// divided among them in Pss.
type idlers struct {
	b              *benchmark
	since          time.Time
	daemons        []*process
	others         []*process
	floors         []contender
	pss, anonymous figures
	woken          figures
}

func (b *benchmark) beginIdle() *idlers {
	i := &idlers{b: b, pss: figures{}, anonymous: figures{}, woken: figures{}}
	var headers map[string]string
	var last *rig
	for range 3 {
		last = newRig(b.t, b.tools, b.copied())
		var p *process
		p, headers = last.signedIn()
		i.daemons = append(i.daemons, p)
	}
	i.since = time.Now()
	// One at a time: two in Python would share the interpreter. They keep what
	// they have taken, so they need no minute.
	for _, c := range last.others(headers) {
		for range b.rounds(3) {
			p := last.run(c)
			last.measure(p, getAuthHeaders(p), together, 1, b.turn())
			i.read(p)
			p.end()
			last.frontend.AwaitOwner(c.bus, false)
		}
	}
	for _, c := range last.others(headers) {
		i.others = append(i.others, last.run(c))
	}
	i.readFloors(last, headers)
	return i
}

// readFloors reads what programs in Go hold that do less.
func (i *idlers) readFloors(r *rig, headers map[string]string) {
	least := r.floors(headers)
	i.floors = []contender{least.nothing, least.asked}
	for _, c := range i.floors {
		for range i.b.rounds(3) {
			answered := r.Sim.Count(plextvsim.Ping)
			p := r.run(c)
			if c.name == least.asked.name {
				r.awaitAnswers(answered+1, plextvsim.Ping)
			}
			i.b.awaitSleep(p)
			i.read(p)
			p.end()
		}
	}
}

// awaitSleep waits until a process uses no more processor time.
func (b *benchmark) awaitSleep(p *process) {
	for used := -1; ; <-time.After(300 * time.Millisecond) {
		before := used
		if used = b.processorTime(p); used == before {
			return
		}
	}
}

// processorTime is what a process has used, in ticks (proc_pid_stat(5)).
func (b *benchmark) processorTime(p *process) (ticks int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')'):]))
	user, _ := strconv.Atoi(fields[12])
	kernel, _ := strconv.Atoi(fields[13])
	return user + kernel
}

// copied gives a copy of plexauthd in a file of its own.
func (b *benchmark) copied() string {
	text, err := os.ReadFile(b.program)
	copied := filepath.Join(b.t.TempDir(), "plexauthd")
	if err == nil {
		err = os.WriteFile(copied, text, 0o755)
	}
	if err == nil {
		err = forget(copied)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return copied
}

// forget has the kernel drop what it holds of a file, which is then read as it is
// after a boot. One that was written a moment ago is held in large pieces, each
// of which counts as used in whole when any of it is.
func forget(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return err
	}
	return unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
}

func (i *idlers) read(p *process) {
	i.pss.add(p.name, daemontest.Memory(i.b.t, p.pid, "Pss:"))
	i.anonymous.add(p.name, daemontest.Memory(i.b.t, p.pid, "Anonymous:"))
}

// settle waits until they have been idle for a minute and reads what they hold.
func (i *idlers) settle() {
	<-time.After(time.Until(i.since.Add(i.b.minute())))
	for _, p := range i.daemons {
		i.read(p)
	}
}

// count counts wake-ups while the other rows are measured, for at least two minutes
// and a half, in which the Go runtime collects garbage unasked.
func (i *idlers) count(meanwhile func()) {
	began, before := time.Now(), map[*process]int{}
	all := append(i.daemons, i.others...)
	for _, p := range all {
		before[p] = i.b.wakeups(p)
	}
	meanwhile()
	<-time.After(time.Until(began.Add(i.b.minute() * 5 / 2)))
	minutes := time.Since(began).Minutes()
	for _, p := range all {
		i.woken.add(p.name, float64(i.b.wakeups(p)-before[p])/minutes)
		p.end()
	}
	var others []contender
	for _, p := range i.others {
		others = append(others, p.contender)
	}
	less := map[string]aim{"dbus-python": {"<", 1}, "jeepney, Python": {"<", 1}}
	const pss, anonymous = "memory signed in and idle, Pss, MiB", "of it anonymous, MiB"
	i.b.services = append(i.b.services,
		i.pss.row(pss, others, less).with("the limit", 10, aim{"≤", 1}),
		i.anonymous.row(anonymous, others, nil).with("the limit", 4, aim{"≤", 1}),
		i.woken.row("wake-ups a minute, idle", others, nil).with("the aim", 0, aim{"≤", 0}))
	i.b.floors = append(i.b.floors,
		i.pss.row(pss, append([]contender{named(others, "GDBus C")}, i.floors...), map[string]aim{"GDBus C": {"≤", 1}}),
		i.anonymous.row(anonymous, i.floors, nil).with("the aim", 2.6, aim{"≤", 1}))
}

// wakeups counts how often all threads went to sleep, which is how often they woke.
func (b *benchmark) wakeups(p *process) (total int) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.pid))
	if err != nil || len(threads) == 0 {
		b.t.Fatalf("no threads: %v", err)
	}
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(value))
				total += n
			}
		}
	}
	return total
}
