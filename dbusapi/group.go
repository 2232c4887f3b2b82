// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/timelimit"
	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
)

// group is the access group. It is looked up until it is found, and then
// remembered: it may be added while the daemon runs.
type group struct {
	ctx   context.Context // ends with the daemon: an answer of NSS is for all callers
	name  string
	clock clockwork.Clock
	log   *slog.Logger

	mu sync.Mutex
	id *uint32 // nil until it has been found

	asking sync.Mutex // NSS, which can take seconds
	next   time.Time  // when it may be asked again
	failed error      // what came of it the last time
}

// A caller in no known group makes the daemon ask NSS. Anybody can do that at any
// time, so there is a pause between two questions.
const (
	pauseOfNSS  = 10 * time.Second
	answerOfNSS = 5 * time.Second
)

// known returns the group's id if it is remembered or in /etc/group.
func (g *group) known() (id uint32, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.id == nil {
		found, err := accessgroup.InFiles(g.name)
		if err != nil {
			return 0, false
		}
		g.id = &found.ID
	}
	return *g.id, true
}

// find is known, and asks NSS. It fails with [accessgroup.ErrNone] if there is no
// such group.
func (g *group) find() (id uint32, err error) {
	g.asking.Lock()
	defer g.asking.Unlock()
	if id, ok := g.known(); ok {
		return id, nil
	}
	if g.clock.Now().Before(g.next) {
		return 0, g.failed
	}
	ctx, cancel := timelimit.With(g.ctx, g.clock, answerOfNSS)
	defer cancel()
	found, err := accessgroup.InNSS(ctx, g.name)
	g.next = g.clock.Now().Add(pauseOfNSS)
	if g.failed = err; err != nil {
		if !errors.Is(err, accessgroup.ErrNone) {
			g.log.Debug("cannot look up the group "+g.name, "error", err)
		}
		return 0, err
	}
	g.log.Info("the group "+g.name+" has been found", "source", found.Source)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id = &found.ID
	return found.ID, nil
}
