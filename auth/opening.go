// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/groupcommit"
	"github.com/retune-tv/plexauthd/auth/servertime"
)

// openLedger loads the record from o.Store. If there is none it makes one.
func openLedger(o Options) *ledger {
	l := &ledger{
		store: o.Store, clock: cmp.Or(o.Clock, clockwork.NewRealClock()),
		log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), locked: make(chan struct{}, 1),
		// A disk takes its time, whoever sets the clock.
		queue: groupcommit.New[*change](clockwork.NewRealClock()),
	}
	l.time = cmp.Or(o.Time, servertime.New(l.clock, nil))
	l.life, l.end = context.WithCancel(context.Background())
	first := l.load(o.Settings)
	l.current.Store(&published{first, first.snapshot()})
	l.feed = newFeed(l.log, l.snapshot())
	if warning := first.configWarning(); warning != "" {
		l.log.Warn(warning, "message_id", MessageConfigWarning)
	}
	return l
}

func (l *ledger) load(settings Settings) *record {
	state, err := l.store.Load()
	r := &record{State: state, settings: settings}
	r.makeLegible()
	if err != nil {
		r.storageProblem = logLoadError(l.log, err)
	}
	r.noteKey()
	moved := r.moveTo(settings.Identity.PlexURL, &Event{})
	discarded := r.discardKeyless(l.time.Now())
	if discarded {
		l.log.Error("the device key is lost, and with it the sign-in: sign in again", "message_id", MessageKeyLost,
			"user_id", r.userID())
	}
	if r.ClientID == "" {
		r.ClientID = uuid.NewString()
	} else if err == nil && !discarded && !moved {
		return r
	}
	saveErr := l.store.Save(r.State)
	// If Load failed too, the reason is the same and has been logged.
	r.unreadable = saveErr != nil && err != nil
	if saveErr != nil && err == nil {
		r.storageProblem = saveErr.Error()
		l.log.Error("the state cannot be saved: signing in will not work until it can", "message_id", MessageStateNotKept, "error", saveErr)
	}
	return r
}

// close ends all background work and waits for it, or for ctx.
func (l *ledger) close(ctx context.Context) error {
	l.end()
	done := make(chan struct{})
	go func() {
		// Whoever has the lock may be saving or starting work.
		l.locked <- struct{}{}
		l.unlock()
		l.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("closing the account: background work did not end in time")
	}
}

// awaitRevocation waits until plex.tv has been told of every sign-out, or telling
// it was given up. A sign-out discards the device key at plex.tv: what was begun
// with that key before would never give a token.
func (l *ledger) awaitRevocation(ctx context.Context) error {
	revoking := l.record().revoking
	if revoking == nil {
		return ctx.Err()
	}
	select {
	case <-revoking:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
