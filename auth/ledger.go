// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/servertime"
)

// ledger holds the account's record. A change is saved, then published, then sent
// to subscribers, one change at a time. Reads never wait.
type ledger struct {
	store Store
	clock clockwork.Clock   // the box's own time
	time  *servertime.Clock // plex.tv's, and the uptime
	log   *slog.Logger
	feed  *feed
	// onChange is called with the lock held after each change but of uptimes.
	onChange func(before, after *record)

	life    context.Context // ends with close
	end     context.CancelFunc
	work    sync.WaitGroup // background goroutines; added to with the lock held
	locked  chan struct{}  // full while somebody may change current
	current atomic.Pointer[published]
}

// published is a record and what reads are answered from. Both are immutable.
type published struct {
	*record
	snapshot *Snapshot
}

// openLedger loads the record from o.Store. If there is none it makes one.
func openLedger(o Options) *ledger {
	l := &ledger{
		store: o.Store, clock: cmp.Or(o.Clock, clockwork.NewRealClock()),
		log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), locked: make(chan struct{}, 1),
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

// record returns the record as it is now. It must not be changed.
func (l *ledger) record() *record { return l.current.Load().record }

func (l *ledger) snapshot() *Snapshot { return l.current.Load().snapshot }

func (l *ledger) now() instant { return instant{l.time.Now(), l.time.Uptime()} }

// wallTime is the box's own time, for people and for the state file. It has no
// monotonic part, which would hide that the clock was set.
func (l *ledger) wallTime() time.Time { return l.clock.Now().Round(0) }

// lock waits for the right to change the record. It fails once the ledger is closed.
func (l *ledger) lock(ctx context.Context) error {
	select {
	case l.locked <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := errors.Join(ctx.Err(), l.life.Err()); err != nil {
		l.unlock()
		return err
	}
	return nil
}

func (l *ledger) unlock() { <-l.locked }

// start runs f in the background, unless the ledger is closed.
func (l *ledger) start(f func()) error {
	if err := l.lock(l.life); err != nil {
		return err
	}
	defer l.unlock()
	l.work.Go(f)
	return nil
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

// save lets edit change a copy of the record, saves and publishes it, together
// with the event that edit may fill in. After an error nothing has changed.
func (l *ledger) save(ctx context.Context, edit func(next *record, e *Event) error) error {
	return l.apply(ctx, edit, func(next *record) error { return l.write(next) })
}

// saveOrKeep is save for what time or plex.tv has decided: it holds even if the
// store fails. Memory is then ahead of the disk until the next save.
func (l *ledger) saveOrKeep(ctx context.Context, edit func(next *record, e *Event) error) error {
	return l.apply(ctx, edit, func(next *record) error {
		_ = l.write(next)
		return nil
	})
}

// forget is saveOrKeep for a sign-out: nobody stays signed in because a disk is full.
// left is why the store still holds the tokens.
func (l *ledger) forget(ctx context.Context, edit func(next *record, e *Event) error) (left, err error) {
	again := func(next *record, e *Event) error {
		next.storageProblem = "" // the store may still hold what memory has forgotten
		return edit(next, e)
	}
	err = l.apply(ctx, again, func(next *record) error {
		gone, err := l.store.Forget(next.State)
		if l.noteSave(next, err); !gone {
			left = errStorage(err)
		}
		return nil
	})
	return left, err
}

// apply lets edit change a copy of the record and write make that durable. What
// edit or write refuses is not done.
func (l *ledger) apply(ctx context.Context, edit func(*record, *Event) error, write func(*record) error) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	before, event := l.current.Load(), Event{}
	next := *before.record
	if err := edit(&next, &event); err != nil {
		return err
	}
	timeless := next
	timeless.times = before.times
	if timeless == *before.record && event == (Event{}) {
		l.current.Store(&published{&next, before.snapshot})
		return nil
	}
	if next.State != before.State || next.storageProblem != before.storageProblem {
		if err := write(&next); err != nil {
			problem := *before.record
			problem.storageProblem = next.storageProblem
			l.publish(&problem, Event{})
			return errStorage(err)
		}
	}
	l.publish(&next, event)
	return nil
}

// write makes the state of r durable.
func (l *ledger) write(r *record) error {
	err := l.store.Save(r.State)
	l.noteSave(r, err)
	return err
}

// noteSave tells people how a save of r went.
func (l *ledger) noteSave(r *record, err error) {
	r.storageProblem = ""
	if err != nil {
		l.log.Error("the state could not be saved: the disk has the old one", "message_id", MessageStateNotKept, "error", err)
		r.storageProblem = err.Error()
	} else if kept := l.store.KeptAside(); kept != "" {
		l.log.Warn("the state file was rewritten; its old contents are kept",
			"message_id", MessageStateRewritten, "kept_aside", kept)
	}
}

// publish replaces the record. It needs the lock.
func (l *ledger) publish(next *record, event Event) {
	before := l.record()
	event.Snapshot = next.snapshot()
	l.current.Store(&published{next, event.Snapshot})
	l.feed.publish(event)
	logChange(l.log, before, next, event)
	l.onChange(before, next)
}

// stamp is the uptime at which something last happened.
type stamp struct{ uptime atomic.Int64 }

func (s *stamp) set(now instant) { s.uptime.Store(int64(now.uptime)) }

// within reports whether it happened less than d ago.
func (s *stamp) within(d time.Duration, now instant) bool {
	return now.within(d, time.Duration(s.uptime.Load()))
}
