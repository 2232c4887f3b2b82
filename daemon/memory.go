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
	sleepWell()
}

// releaseWhenUnasked gives memory back to the system with free once plex.tv has not
// been asked for releaseAfter: all that TLS takes is in use no more then. asked is
// to be called with each answer, from any goroutine. It sets no timer otherwise: an
// idle daemon is not woken.
func releaseWhenUnasked(clock clockwork.Clock, free func()) (asked, stop func()) {
	release := clock.AfterFunc(releaseAfter, free)
	return func() { release.Reset(releaseAfter) }, func() { release.Stop() }
}

// freeMemory gives back what the heap and the program's own file take.
func freeMemory() {
	debug.FreeOSMemory()
	releaseCode()
}
