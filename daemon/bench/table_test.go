// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
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
	quick   = flag.Bool("quick", false, "one short round of everything, to see whether it works")
)

// benchmark is one run of all rows.
type benchmark struct {
	t       testing.TB
	program string
	tools   tools
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

// TestTable measures everything and prints the table. It fails when something
// does not work, never because of a figure.
func TestTable(t *testing.T) {
	b := &benchmark{t, *program, buildTools(t)}
	idle := b.beginIdle()
	rows := b.callRows()
	idle.settle()
	idleRows := idle.rows(func() {
		rows = append(append(rows, b.startRow()), b.claimRows()...)
		rows = append(append(rows, b.stateRows()...), b.sizeRow())
	})
	rows = append(rows, idleRows...)
	var table bytes.Buffer
	print(&table, rows)
	fmt.Printf("%s, %s, %d processors, Linux %s, %s\n\n%s\n", time.Now().Format(time.DateOnly),
		processor(), runtime.NumCPU(), release(), runtime.Version(), table.String())
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
func (b *benchmark) sizeRow() row {
	return row{"binary, stripped, MiB", size(b.t, b.program), []reference{
		{"the limit", samples{8}, aim{"≤", 1}},
		{"godbus", size(b.t, b.tools.godbus), aim{}},
	}}
}

func size(t testing.TB, file string) samples {
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return samples{float64(info.Size()) / (1 << 20)}
}
