// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// growingSaves measures SelectServer, of which each call changes the state. It is
// given what a barest durable replacement of the state takes.
func (b *benchmark) growingSaves(barest samples) {
	byServers := b.savesByServers()
	times, rates := b.savesByCallers()
	replacements := make(samples, len(barest))
	for i, microseconds := range barest {
		replacements[i] = 1e6 / microseconds
	}
	beside := []reference{{"one caller", rates.now[1], aim{}}, {"barest durable replacements", replacements, aim{}}}
	if before := rates.unshared[8]; len(before) > 0 {
		beside = append([]reference{{unshared, before, aim{"≥", 8}}}, beside...)
	}
	b.growth = append(b.growth,
		row{"processor time of a save, 200 servers known, ms", byServers[200], []reference{
			{"2 servers known", byServers[2], aim{"≤", 1.1}},
		}},
		row{"SelectServer, 8 callers, calls a second", rates.now[8], beside})
	b.charts = append(b.charts,
		chart{
			file: "saves.svg", title: "Processor time of a change that is saved", x: "servers of the account, or callers at once", y: "ms",
			curves: []curve{
				byServers.curve("by servers, of which 200 are kept, one caller"),
				times.now.curve("by callers, 2 servers"),
				times.unshared.curve("by callers, " + unshared),
			},
		},
		chart{
			file: "changes.svg", title: "Changes saved in a second", x: "callers at once", y: "calls a second",
			curves: []curve{rates.now.curve("plexauthd"), rates.unshared.curve(unshared)},
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

// unshared is what the last build is called in which each change had a save of its
// own, and unsharedCommit where it is in the history.
const unshared, unsharedCommit = "before saves were shared", "10dae2a"

// beforeAndNow are figures of this build and of that one.
type beforeAndNow struct{ now, unshared grown }

// savesByCallers measures milliseconds of processor time of a call, and calls a second.
func (b *benchmark) savesByCallers() (times, rates beforeAndNow) {
	times, rates = beforeAndNow{grown{}, grown{}}, beforeAndNow{grown{}, grown{}}
	type box struct {
		*rig
		program     string
		p           *process
		times, rate grown
	}
	r := newRig(b.t, b.tools, b.program)
	boxes := []box{{r, "now", r.signedInWith(2), times.now, rates.now}}
	if program := b.unshared(); program != "" {
		r := newRig(b.t, b.tools, program)
		boxes = append(boxes, box{r, unshared, r.signedInWith(2), times.unshared, rates.unshared})
	}
	for round := range b.rounds(12) {
		for _, callers := range b.with(8) {
			if callers >= 100 && round%4 != 0 {
				continue // where saves are not shared they take seconds
			}
			for _, box := range boxes {
				if callers >= 1000 && box.program == unshared {
					continue // some of so many are refused
				}
				saves := box.measure(box.p, selectServer(), together, callers, b.longer(callers))
				box.times.add(callers, saves.processor()/1e3)
				box.rate.add(callers, saves.rate())
			}
		}
	}
	for _, box := range boxes {
		box.p.end()
	}
	return times, rates
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

// unshared builds the program of unsharedCommit; "" where the history does not go
// back to it.
func (b *benchmark) unshared() (program string) {
	dir := b.t.TempDir()
	archive := exec.Command("git", "-C", "../..", "archive", "-o", filepath.Join(dir, "source.tar"), unsharedCommit)
	if out, err := archive.CombinedOutput(); err != nil {
		b.t.Logf("nothing is compared with %s, %s: %v %s", unsharedCommit, unshared, err, out)
		return ""
	}
	build := exec.Command("sh", "-ec", "tar -xf source.tar; make -s bin/plexauthd")
	build.Dir, build.Env = dir, append(os.Environ(), "MAKELEVEL=", "MAKEFLAGS=") // not of the make that runs this
	daemontest.MustRun(b.t, build)
	return filepath.Join(dir, "bin", "plexauthd")
}
