// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// figures are what each contender was measured at, by its name.
type figures map[string]samples

func (f figures) add(name string, value float64) { f[name] = append(f[name], value) }

// row makes a row of figures, compared with those that the aims name and all
// others.
func (f figures) row(what string, others []contender, aims map[string]aim) row {
	r := row{what: what, ours: f["plexauthd"]}
	for _, c := range others {
		r.beside = append(r.beside, reference{c.name, f[c.name], aims[c.name]})
	}
	return r
}

// calls calls GetAuthHeaders of every contender, in rounds in which each has
// its turn: first from one connection, then from several with one call under way
// on each. Processor time is the service's alone, in the kernel too, by its clock
// (clock_getcpuclockid(3)).
func (b *benchmark) calls() {
	const several = 8
	r := newRig(b.t, b.tools, b.program)
	ours, headers := r.signedIn()
	others, raw := r.others(headers), r.floors(headers).raw
	contenders := []*process{ours}
	for _, c := range append(others, raw) {
		contenders = append(contenders, r.run(c))
	}
	for _, p := range contenders {
		r.wantHeaders(p, headers)
	}
	median, cpu, rate, severalCPU := figures{}, figures{}, figures{}, figures{}
	for round := range b.rounds(40) {
		for turn := range contenders {
			p := contenders[(round+turn)%len(contenders)]
			one := r.measure(p, getAuthHeaders(p), together, 1, b.turn())
			median.add(p.name, float64(one.median)/1e3)
			cpu.add(p.name, one.processor())
			all := r.measure(p, getAuthHeaders(p), together, several, b.turn())
			rate.add(p.name, all.rate())
			severalCPU.add(p.name, all.processor())
		}
	}
	for _, p := range contenders {
		p.end()
	}
	cheap := map[string]aim{"sd-bus C": {"≤", 3}, "GDBus C": {"<", 1}}
	const oneCaller = "processor time of a call, one caller, µs"
	b.services = append(b.services,
		median.row("call with 9 headers, one caller, median, µs", others,
			map[string]aim{"sd-bus C": {"≤", 1.25}, "GDBus C": {"<", 1}}),
		rate.row(fmt.Sprintf("calls a second, %d callers", several), others,
			map[string]aim{"sd-bus C": {"≥", 0.7}, "GDBus C": {"≥", 1.5}}),
		cpu.row(oneCaller, others, cheap),
		severalCPU.row(fmt.Sprintf("processor time of a call, %d callers, µs", several), others, cheap))
	b.floors = append(b.floors, cpu.row(oneCaller, []contender{named(others, "sd-bus C"), raw},
		map[string]aim{"sd-bus C": {"≤", 1.1}}))
}

func named(all []contender, name string) contender {
	return all[slices.IndexFunc(all, func(c contender) bool { return c.name == name })]
}

// wantHeaders makes sure that a contender answers what all others do.
func (r *rig) wantHeaders(p *process, want map[string]string) {
	r.Helper()
	var got map[string]string
	err := r.frontend.Conn.Object(p.bus, names.Path).Call(names.Credentials+".GetAuthHeaders", 0).Store(&got)
	if err != nil || !maps.Equal(got, want) {
		r.Fatalf("%s answers %d headers, not the %d that it should: %v", p.name, len(got), len(want), err)
	}
}

func getAuthHeaders(p *process) []byte {
	return bustest.Call(p.bus, names.Credentials+".GetAuthHeaders")
}

// How connections call, in the words of contenders/load.c.
const (
	together = "call"  // one call is under way on each
	inTurn   = "turns" // one call is under way on all of them
)

// measurement is what contenders/load.c says: times in nanoseconds.
type measurement struct{ calls, median, time, cpu int64 }

// processor is the processor time of a call, in microseconds.
func (m measurement) processor() float64 { return float64(m.cpu) / float64(m.calls) / 1e3 }

// rate is how many calls were answered in a second.
func (m measurement) rate() float64 { return float64(m.calls) / float64(m.time) * 1e9 }

func (r *rig) measure(p *process, call []byte, how string, connections int, turn time.Duration) (m measurement) {
	r.Helper()
	out, err := r.load(call, how, connections, turn.Milliseconds(), p.pid).Output()
	if err == nil {
		_, err = fmt.Sscan(string(out), &m.calls, &m.median, &m.time, &m.cpu)
	}
	if err != nil {
		r.Fatalf("calling %s: %v %q", p.name, err, out)
	}
	return m
}
