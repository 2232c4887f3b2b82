// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// inFlight counts the calls in flight, and refuses those beyond the limits for one
// caller and for all.
type inFlight struct {
	perCaller, all int

	mu    sync.Mutex
	of    map[string]int // by caller
	total int
	bytes int
}

// averageCall is the limit of the average size of the calls in flight, in bytes,
// when all places are taken; most are far shorter. Their arguments stay in memory.
const averageCall = 1 << 10

func newInFlight(perCaller, all int) *inFlight {
	return &inFlight{perCaller: perCaller, all: all, of: map[string]int{}}
}

// begin counts a call of size bytes until end.
func (f *inFlight) begin(caller string, size int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.of[caller] >= f.perCaller:
		return limitsExceeded("%d calls of this caller are being worked on: wait for an answer before the next", f.perCaller)
	case f.total >= f.all || f.bytes+size > f.all*averageCall:
		return limitsExceeded("%d calls are being worked on: try again later", f.total)
	}
	f.of[caller]++
	f.total++
	f.bytes += size
	return nil
}

func (f *inFlight) end(caller string, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total--
	f.bytes -= size
	if f.of[caller]--; f.of[caller] == 0 {
		delete(f.of, caller)
	}
}

func limitsExceeded(format string, args ...any) error {
	return dbus.NewError(names.ErrLimitsExceeded, []any{fmt.Sprintf(format, args...)})
}
