// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"sync"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

// answers keeps what a member has answered for as long as the account stays as
// it is: whoever asks often is answered without another look.
type answers struct {
	mu   sync.Mutex
	of   *auth.Snapshot
	kept map[string]bus.Reply // by the arguments as they were sent
}

// maxAnswers is more than there are arguments with an answer, other than an error.
const maxAnswers = 64

// get gives the answer to those arguments, which answer makes if there is none
// yet. Those who ask the same at the same time wait for one to be made.
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
