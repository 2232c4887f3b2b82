// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The run falls into three thirds: in the first the daemon gets as large as it
// needs to be, the other two are compared by their medians. What leaks a little in
// each round has leaked, between the middles of the two, for a third of the rounds.
//
// The slack is what a run without a leak varies by. In an hour there are 800
// rounds between the middles, so 0.15 MiB of heap is 200 bytes a round.
// What is not heap (stacks, threads, memory that Go has not given back) varies more.
var limits = []struct {
	what  string
	value func(measure) float64
	slack float64
}{
	{"heap, MiB", func(m measure) float64 { return m.Heap }, 0.15},
	{"anonymous, MiB", func(m measure) float64 { return m.Anonymous }, 1.5},
	{"resident, MiB", func(m measure) float64 { return m.Resident }, 1.5},
	{"threads", func(m measure) float64 { return float64(m.Threads) }, 3},
	{"files", func(m measure) float64 { return float64(m.Files) }, 8},
	{"goroutines", func(m measure) float64 { return float64(m.Goroutines) }, 16},
}

// verdict compares the last third of a run with the one before and gives a table,
// and what has grown.
func verdict(second, last []measure) (table string, grown []string) {
	var text strings.Builder
	fmt.Fprintf(&text, "%-16s %10s %10s %10s %10s\n", "median of", "2nd third", "3rd third", "growth", "slack")
	for _, limit := range limits {
		before, after := median(second, limit.value), median(last, limit.value)
		fmt.Fprintf(&text, "%-16s %10.3f %10.3f %+10.3f %10.3f\n", limit.what, before, after, after-before, limit.slack)
		if after-before > limit.slack {
			grown = append(grown, limit.what)
		}
	}
	return text.String(), grown
}

func median(measures []measure, value func(measure) float64) float64 {
	var values []float64
	for _, m := range measures {
		values = append(values, value(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func TestTheVerdictSeesGrowth(t *testing.T) {
	for what, leak := range map[string]func(n int, m *measure){
		"":               func(int, *measure) {},
		"heap, MiB":      func(n int, m *measure) { m.Heap += float64(n) * 0.014 },
		"anonymous, MiB": func(n int, m *measure) { m.Anonymous += float64(n) * 0.08 },
		"resident, MiB":  func(n int, m *measure) { m.Resident += float64(n) * 0.08 },
		"threads":        func(n int, m *measure) { m.Threads += n / 5 },
		"files":          func(n int, m *measure) { m.Files += n / 2 },
		"goroutines":     func(n int, m *measure) { m.Goroutines += n },
	} {
		run := make([]measure, 60)
		for n := range run {
			// Up and down, and larger at first.
			wave := float64(n%7)/100 + 1/float64(n+1)
			run[n] = measure{Resident: 12 + wave, Anonymous: 6 + wave, Heap: 2 + wave, Files: 12 + n%5, Threads: 9, Goroutines: 20 + n%3}
			leak(n, &run[n])
		}
		if table, grown := verdict(run[20:40], run[40:]); strings.Join(grown, " ") != what {
			t.Errorf("with a leak of %q, these have grown: %v\n%s", what, grown, table)
		}
	}
}
