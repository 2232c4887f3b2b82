package daemon

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/retune-tv/plexauthd/auth"
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

// releaseWhenDone gives memory back to the system once the TLS connections of
// a pairing or sign-out are gone. It sets no timer otherwise: an idle daemon
// is not woken.
func releaseWhenDone() (handle func(auth.Event), stop func()) {
	release := time.AfterFunc(releaseAfter, func() {
		debug.FreeOSMemory()
		releaseCode()
	})
	return func(e auth.Event) {
		if e.PinEnd != nil || e.Auth != nil {
			release.Reset(releaseAfter)
		}
	}, func() { release.Stop() }
}
