// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// starts starts every contender in turns. The time is from the exec itself, as
// contenders/start.c has it, to READY=1, which all say once the name is theirs.
// plexauthd finds a signed-in state, as after any boot.
func (b *benchmark) starts() {
	r := newRig(b.t, b.tools, b.program)
	ours, headers := r.signedIn()
	ours.end()
	others := r.others(headers)
	least := r.floors(headers)
	contenders := slices.Concat([]contender{r.daemon, least.nothing, least.raw}, others)
	times := figures{}
	for round := range b.rounds(80) {
		for turn := range contenders {
			c := contenders[(round+turn)%len(contenders)]
			if c.bus != "" {
				r.frontend.AwaitOwner(c.bus, false)
			}
			out, err := r.prepared(exec.Command(r.tools.start, c.command...), c).Output()
			if err != nil {
				b.t.Fatalf("starting %s: %v", c.name, err)
			}
			nanoseconds, _ := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			times.add(c.name, nanoseconds/1e6)
		}
	}
	const what = "exec to READY=1, ms"
	b.services = append(b.services, times.row(what, others, map[string]aim{
		"sd-bus C": {"≤", 2.5}, "dbus-python": {"≤", 1. / 8},
	}))
	b.floors = append(b.floors, times.row(what, []contender{named(others, "sd-bus C"), least.nothing, least.raw},
		map[string]aim{"sd-bus C": {"≤", 2}}))
}
