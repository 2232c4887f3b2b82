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
}

// releaseSoon is a pause between floods of calls, if they come one after the other.
const releaseSoon = time.Second

// releaser gives memory back to the system. It sets no timer without need: an
// idle daemon is not woken.
type releaser struct{ later, soon *time.Timer }

func newReleaser() *releaser {
	r := &releaser{
		later: time.AfterFunc(releaseAfter, debug.FreeOSMemory),
		soon:  time.AfterFunc(releaseAfter, debug.FreeOSMemory),
	}
	r.soon.Stop()
	return r
}

// changed releases once the TLS connections of a pairing or sign-out are gone.
func (r *releaser) changed(e auth.Event) {
	if e.PinEnd != nil || e.Auth != nil {
		r.later.Reset(releaseAfter)
	}
}

// drained releases after a flood of calls.
func (r *releaser) drained() { r.soon.Reset(releaseSoon) }

func (r *releaser) stop() {
	r.later.Stop()
	r.soon.Stop()
}
