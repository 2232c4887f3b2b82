// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"sync"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

// answers caches the answers of a member until the account changes.
type answers struct {
	mu   sync.Mutex
	of   *auth.Snapshot
	kept map[string]bus.Reply // by the arguments as they were sent
}

// maxAnswers is more than the number of different arguments that do not end in an
// error.
const maxAnswers = 64

// get returns the cached answer to arguments, or calls answer to make it.
// Concurrent callers wait for one answer to be made.
func (a *answers) get(now *auth.Snapshot, arguments []byte, answer func() bus.Reply) bus.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of != now || len(a.kept) >= maxAnswers {
		a.of, a.kept = now, map[string]bus.Reply{}
	}
	if reply, found := a.kept[string(arguments)]; found {
		return reply
	}
	reply := answer()
	if !reply.Failed() {
		a.kept[string(arguments)] = reply
	}
	return reply
}
