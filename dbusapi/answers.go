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

func (a *answers) find(now *auth.Snapshot, arguments []byte) (reply bus.Reply, found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of != now {
		return reply, false
	}
	reply, found = a.kept[string(arguments)]
	return reply, found
}

func (a *answers) keep(now *auth.Snapshot, arguments []byte, reply bus.Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of != now || len(a.kept) >= maxAnswers {
		a.of, a.kept = now, map[string]bus.Reply{}
	}
	a.kept[string(arguments)] = reply
}
