// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	program = flag.String("program", "../../bin/plexauthd", "the plexauthd to measure, as it is shipped")
	unpaced = flag.String("unpaced", "../../bin/unpaced/plexauthd", "the same without limits for callers")
	quick   = flag.Bool("quick", false, "one short round of everything, to see whether it works")
)

// benchmark is one run of all rows.
type benchmark struct {
	t                testing.TB
	program, unpaced string
	tools            tools

	services, growth, floors []row // the tables
	charts                   []chart
}

// rounds is how often each contender has its turn.
func (b *benchmark) rounds(usual int) int {
	if *quick {
		return 1
	}
	return usual
}

// turn is how long a contender is called in its turn.
func (b *benchmark) turn() time.Duration {
	if *quick {
		return 10 * time.Millisecond
	}
	return 150 * time.Millisecond
}

// minute is how long the daemon is left alone.
func (b *benchmark) minute() time.Duration {
	if *quick {
		return time.Second
	}
	return time.Minute
}

// TestTable measures everything, prints the tables and draws the pictures. Without
// -quick, README.md has them then. It fails when something does not work, never
// because of a figure.
func TestTable(t *testing.T) {
	b := &benchmark{t: t, program: *program, unpaced: *unpaced, tools: buildTools(t)}
	idle, growing := b.beginIdle(), b.beginGrowing()
	b.calls()
	idle.settle()
	idle.count(func() {
		growing.settle()
		b.starts()
		b.claimRows()
		barest := b.states()
		b.sizeRow()
		b.growingSaves(barest)
		b.growingClaims()
		b.growingCalls()
	})
	fmt.Println(b.report())
	b.draw()
}

// processor is the name of the machine's, as the kernel has it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func release() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	number, _, _ := strings.Cut(strings.TrimSpace(string(text)), "-")
	return number
}

// sizeRow is about the programs themselves.
func (b *benchmark) sizeRow() {
	b.services = append(b.services, row{"binary, stripped, MiB", size(b.t, b.program), []reference{
		{"the limit", samples{8}, aim{"≤", 1}},
		{"godbus", size(b.t, b.tools.godbus), aim{}},
	}})
}

func size(t testing.TB, file string) samples {
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return samples{float64(info.Size()) / (1 << 20)}
}
