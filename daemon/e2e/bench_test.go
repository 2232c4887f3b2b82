package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// release builds as the packages do.
func release(b testing.TB) (daemon, minimal string) {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w",
		"-o", dir+"/", "../../cmd/plexauthd", "./minimal")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	return filepath.Join(dir, "plexauthd"), filepath.Join(dir, "minimal")
}

// BenchmarkBinary prints the size of the stripped binary beside the minimal service's.
func BenchmarkBinary(b *testing.B) {
	daemon, minimal := release(b)
	for b.Loop() {
	}
	ours, theirs := size(b, daemon), size(b, minimal)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours/(1<<20), "MiB")
	b.ReportMetric(theirs/(1<<20), "minimal-MiB")
	b.ReportMetric(ours/theirs, "ratio")
}

func size(b *testing.B, file string) float64 {
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}

// BenchmarkStart measures from exec to READY=1, in turns with the minimal
// service, with a signed-in state file as after any boot. Medians.
func BenchmarkStart(b *testing.B) {
	daemon, minimal := release(b)
	box := newBox(b)
	box.program = daemon
	p := box.start()
	box.signIn(box.frontend())
	p.kill()
	var ours, theirs []time.Duration
	for b.Loop() {
		began := time.Now()
		p := box.start()
		ours = append(ours, time.Since(began))
		p.kill()
		began = time.Now()
		p = box.exec(exec.Command(minimal, box.bus.Address))
		box.awaitNote("READY=1")
		theirs = append(theirs, time.Since(began))
		p.kill()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(median(ours)), "ms")
	b.ReportMetric(milliseconds(median(theirs)), "minimal-ms")
	b.ReportMetric(float64(median(ours))/float64(median(theirs)), "ratio")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// BenchmarkClaim measures from the claim at plex.tv to AuthChanged at a
// frontend, at the default poll interval of a second. The aim is at most that
// interval and 100 ms.
func BenchmarkClaim(b *testing.B) {
	daemon, _ := release(b)
	box := newBox(b)
	box.program = daemon
	box.start()
	f := box.frontend()
	var times []time.Duration
	for b.Loop() {
		_, code := f.requestPin()
		claimed := time.Now()
		box.claim(code)
		f.await("AuthChanged")
		times = append(times, time.Since(claimed))
		if err := f.call("Credentials.ClearCredentials").Err; err != nil {
			b.Fatal(err)
		}
		f.await("AuthChanged")
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(median(times)), "ms")
	b.ReportMetric(milliseconds(slices.Max(times)), "max-ms")
}

// BenchmarkIdle signs in over TLS, leaves the daemon alone for a minute beside
// the minimal service and then reads from /proc what it holds and how often
// its threads were woken meanwhile.
func BenchmarkIdle(b *testing.B) {
	daemon, minimal := release(b)
	box := newBox(b)
	box.program = daemon
	p := box.start()
	box.signIn(box.frontend())
	reference := box.exec(exec.Command(minimal, box.bus.Address))
	box.awaitNote("READY=1")
	for b.Loop() {
		// Until then connections close and memory is given back.
		<-time.After(45 * time.Second)
		before := wakeups(b, p)
		<-time.After(60 * time.Second)
		b.ReportMetric(float64(wakeups(b, p)-before), "wakeups/min")
	}
	b.ReportMetric(0, "ns/op")
	for name, run := range map[string]*process{"": p, "minimal-": reference} {
		b.ReportMetric(rollup(b, run, "Rss:"), name+"rss-MiB")
		b.ReportMetric(rollup(b, run, "Pss:"), name+"pss-MiB")
		b.ReportMetric(rollup(b, run, "Anonymous:"), name+"anon-MiB")
	}
}

// rollup reads a line of /proc/PID/smaps_rollup, in MiB.
func rollup(b testing.TB, p *process, field string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024
		}
	}
	b.Fatalf("no %s in smaps_rollup", field)
	return 0
}

// wakeups counts how often all threads went to sleep, which is how often they woke.
func wakeups(b *testing.B, p *process) (total int) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		b.Fatalf("no threads: %v", err)
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
