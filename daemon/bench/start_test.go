// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"os/exec"
	"strconv"
	"strings"
)

// startRow starts every contender in turns. The time is from the exec itself, as
// contenders/start.c has it, to READY=1, which all say once the name is theirs.
// plexauthd finds a signed-in state, as after any boot.
func (b *benchmark) startRow() row {
	r := newRig(b.t, b.tools, b.program)
	ours, headers := r.signedIn()
	ours.end()
	others := r.others(headers)
	contenders := append([]contender{r.daemon}, others...)
	times := figures{}
	for round := range b.rounds(80) {
		for turn := range contenders {
			c := contenders[(round+turn)%len(contenders)]
			r.frontend.AwaitOwner(c.bus, false)
			out, err := r.prepared(exec.Command(r.tools.start, c.command...), c).Output()
			if err != nil {
				b.t.Fatalf("starting %s: %v", c.name, err)
			}
			nanoseconds, _ := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			times.add(c.name, nanoseconds/1e6)
		}
	}
	return times.row("exec to READY=1, ms", others, map[string]aim{
		"sd-bus C": {"≤", 2.5}, "dbus-python": {"≤", 1. / 8},
	})
}
