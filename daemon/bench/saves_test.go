// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// growingSaves measures SelectServer, of which each call changes the state. It is
// given what a barest durable replacement of the state takes.
func (b *benchmark) growingSaves(barest samples) {
	byServers := b.savesByServers()
	shared, alone, rates := b.savesByCallers()
	replacements := make(samples, len(barest))
	for i, microseconds := range barest {
		replacements[i] = 1e6 / microseconds
	}
	b.growth = append(b.growth,
		row{"processor time of a save, 200 servers known, ms", byServers[200], []reference{
			{"2 servers known", byServers[2], aim{"≤", 1.1}},
		}},
		row{"SelectServer, 8 callers, calls a second", rates.shared[8], []reference{
			{"without shared saves", rates.alone[8], aim{"≥", 8}},
			{"one caller", rates.shared[1], aim{}},
			{"barest durable replacements", replacements, aim{}},
		}})
	b.charts = append(b.charts,
		chart{
			file: "saves.svg", title: "Processor time of a change that is saved", x: "servers of the account, or callers at once", y: "ms",
			curves: []curve{
				byServers.curve("by servers, of which 200 are kept, one caller"),
				shared.curve("by callers, 2 servers"),
				alone.curve("by callers, without shared saves"),
			},
		},
		chart{
			file: "changes.svg", title: "Changes saved in a second", x: "callers at once", y: "calls a second",
			curves: []curve{rates.shared.curve("plexauthd"), rates.alone.curve("without shared saves")},
		})
}

// savesByServers are milliseconds of processor time.
func (b *benchmark) savesByServers() grown {
	type box struct {
		*rig
		p       *process
		servers int
	}
	var boxes []box
	for _, servers := range b.with(2, 200) {
		r := newRig(b.t, b.tools, b.program)
		boxes = append(boxes, box{r, r.signedInWith(servers), servers})
	}
	times := grown{}
	for round := range b.rounds(20) {
		for turn := range boxes {
			box := boxes[(round+turn)%len(boxes)]
			saves := box.measure(box.p, selectServer(), together, 1, b.turn())
			times.add(box.servers, saves.processor()/1e3)
		}
	}
	for _, box := range boxes {
		box.p.end()
	}
	return times
}

// saveRates are calls a second, with saves that callers share and without.
type saveRates struct{ shared, alone grown }

// savesByCallers measures plexauthd beside a build in which each change has a save of
// its own: milliseconds of processor time, and calls a second.
func (b *benchmark) savesByCallers() (shared, alone grown, rates saveRates) {
	boxes := []*rig{newRig(b.t, b.tools, b.program), newRig(b.t, b.tools, b.unshared())}
	processes := []*process{boxes[0].signedInWith(2), boxes[1].signedInWith(2)}
	times, changes := []grown{{}, {}}, []grown{{}, {}}
	for round := range b.rounds(12) {
		for _, callers := range b.with(8) {
			if callers >= 100 && round%4 != 0 {
				continue // without shared saves they take seconds
			}
			for i, p := range processes {
				saves := boxes[i].measure(p, selectServer(), together, callers, b.longer(callers))
				times[i].add(callers, saves.processor()/1e3)
				changes[i].add(callers, saves.rate())
			}
		}
	}
	for _, p := range processes {
		p.end()
	}
	return times[0], times[1], saveRates{changes[0], changes[1]}
}

// with adds sizes to those of the pictures; a quick run has 1 and these.
func (b *benchmark) with(more ...int) []int {
	if *quick {
		return append([]int{1}, more...)
	}
	return append(sizes(), more...)
}

// selectServer is a call that load.c makes another one each time.
func selectServer() []byte {
	return bustest.Call(names.Bus, names.Credentials+".SelectServer",
		daemontest.MachineID, "https://server-00000000.example:32400")
}

// unshared builds plexauthd without shared saves: by an overlay of one file of its
// source.
func (b *benchmark) unshared() (program string) {
	const share, never = "if len(changes) > 1 && l.together(changes) {", "if false && l.together(changes) {"
	source, err := filepath.Abs("../../auth/ledger.go")
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil || bytes.Count(text, []byte(share)) != 1 {
		b.t.Fatalf("%s has no place any more where changes share a save: %v", source, err)
	}
	dir := b.t.TempDir()
	changed, overlay := filepath.Join(dir, "ledger.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
	if err == nil {
		err = os.WriteFile(changed, bytes.Replace(text, []byte(share), []byte(never), 1), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, replace, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return daemontest.Release(b.t, "GO=env GOFLAGS=-overlay="+overlay+" go")
}
