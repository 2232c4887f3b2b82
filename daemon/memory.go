// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/jonboulle/clockwork"
)

// gcPercent trades a little processor time for memory: the daemon is idle
// nearly always, and a small box has better uses for the difference.
const gcPercent = 25

// releaseAfter is longer than idle connections to plex.tv stay open.
const releaseAfter = 40 * time.Second

func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	stopPeriodicGC()
}

// releaseWhenUnasked calls free, which returns memory to the system, once plex.tv
// has not been asked for releaseAfter: what TLS needed is no longer in use then.
// Call asked with each answer, from any goroutine. There is no other timer, so an
// idle daemon is not woken.
func releaseWhenUnasked(clock clockwork.Clock, free func()) (asked, stop func()) {
	release := clock.AfterFunc(releaseAfter, free)
	return func() { release.Reset(releaseAfter) }, func() { release.Stop() }
}

// freeMemory returns free heap and the pages of the program's own file to the
// system.
func freeMemory() {
	debug.FreeOSMemory()
	releaseCode()
}
