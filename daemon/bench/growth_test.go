// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// sizes are how many callers, listeners or servers there are in the pictures.
func sizes() []int {
	if *quick {
		return []int{1, 1000}
	}
	return []int{1, 10, 100, 1000}
}

// grown are what something was measured at, by size.
type grown map[int]samples

func (g grown) add(size int, value float64) { g[size] = append(g[size], value) }

// curve is the medians over the sizes of the pictures.
func (g grown) curve(name string) curve {
	c := curve{name: name}
	for _, size := range sizes() {
		if len(g[size]) > 0 {
			c.points = append(c.points, point{float64(size), g[size].median()})
		}
	}
	return c
}

// longer is the turn of so many callers: each should be answered several times.
func (b *benchmark) longer(callers int) time.Duration {
	switch {
	case callers >= 1000:
		return 10 * b.turn()
	case callers >= 100:
		return 4 * b.turn()
	default:
		return b.turn()
	}
}

// growingClaims measures how long it takes until all listeners have heard of a claim.
func (b *benchmark) growingClaims() {
	last, bare := grown{}, grown{}
	var times claimTimes
	for _, listeners := range sizes() {
		times = b.claims(listeners, 6)
		for i := range times.last {
			last.add(listeners, times.last[i]-pollInterval)
			bare.add(listeners, times.bare[i])
		}
	}
	b.growth = append(b.growth, row{
		"claim to signal, last of 1,000 listeners, ms", times.last, []reference{overInterval(30), times.bareSignal()},
	})
	b.charts = append(b.charts, chart{
		file: "signals.svg", title: "A claim, until the last listener has heard of it",
		x: "listeners", y: "ms over the poll interval",
		curves: []curve{last.curve("plexauthd"), bare.curve("a bare signal")},
	})
}

// growingCalls measures what a call costs with many callers on the bus: one at a time
// calls, or all do at once.
func (b *benchmark) growingCalls() {
	r := newRig(b.t, b.tools, b.program)
	ours, headers := r.signedIn()
	beside := r.run(r.others(headers)[0])
	alone, crowd := map[*process]grown{ours: {}, beside: {}}, map[*process]grown{ours: {}, beside: {}}
	for round := range b.rounds(8) {
		for turn := range sizes() {
			callers := sizes()[(round+turn)%len(sizes())]
			for _, p := range []*process{ours, beside} {
				call := getAuthHeaders(p)
				alone[p].add(callers, r.measure(p, call, inTurn, callers, b.longer(callers)).processor())
				crowd[p].add(callers, r.measure(p, call, together, callers, b.longer(callers)).processor())
			}
		}
	}
	ours.end()
	beside.end()
	b.growth = append(b.growth, row{
		"processor time of a call, 1,000 connected callers, µs", alone[ours][1000], []reference{
			{"1 connected caller", alone[ours][1], aim{"≤", 1.2}},
			{beside.name + ", 1,000 callers", alone[beside][1000], aim{}},
		},
	})
	b.charts = append(b.charts, chart{
		file: "calls.svg", title: "Processor time of a call of GetAuthHeaders", x: "connected callers", y: "µs",
		curves: []curve{
			alone[ours].curve("plexauthd, one calls at a time"), alone[beside].curve(beside.name + ", one calls at a time"),
			crowd[ours].curve("plexauthd, all call at once"), crowd[beside].curve(beside.name + ", all call at once"),
		},
	})
}

// growing are daemons that hold more and more, each idle while other rows are measured.
type growing struct {
	b                           *benchmark
	callers, listeners, servers map[int]*process
	since                       time.Time
}

func (b *benchmark) beginGrowing() *growing {
	g := &growing{b, map[int]*process{}, map[int]*process{}, map[int]*process{}, time.Time{}}
	for _, size := range sizes() {
		if *quick && size < 1000 {
			continue
		}
		r := newRig(b.t, b.tools, b.program)
		p, _ := r.signedIn()
		b.keep(r.listen(getAuthHeaders(p), size))
		g.callers[size] = p
		r = newRig(b.t, b.tools, b.program)
		g.listeners[size], _ = r.signedIn()
		b.keep(r.subscribe(size))
		g.servers[size] = newRig(b.t, b.tools, b.program).signedInWith(size)
	}
	g.since = time.Now()
	return g
}

// keep leaves connections open until the benchmark ends.
func (b *benchmark) keep(s subscribers) {
	b.t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
}

// settle draws what they hold after an idle minute, and ends them.
func (g *growing) settle() {
	<-time.After(time.Until(g.since.Add(g.b.minute())))
	memory := func(name string, of map[int]*process) curve {
		held := grown{}
		for size, p := range of {
			held.add(size, daemontest.Memory(g.b.t, p.pid, "Anonymous:"))
			p.end()
		}
		return held.curve(name)
	}
	g.b.charts = append(g.b.charts, chart{
		file: "memory.svg", title: "Anonymous memory, idle for a minute", x: "callers, listeners or servers", y: "MiB",
		curves: []curve{
			memory("callers that have called", g.callers),
			memory("listeners", g.listeners),
			memory("media servers of the account, of which 200 are kept", g.servers),
		},
	})
}
