// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/groupcommit"
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
	queue   *groupcommit.Queue[*change]
	locked  chan struct{} // full while somebody may change current
	current atomic.Pointer[published]
}

// published is a record and what reads are answered from. Both are immutable.
type published struct {
	*record
	snapshot *Snapshot
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

// save lets edit change a copy of the record, saves and publishes it, together
// with the event that edit may fill in. After an error nothing has changed.
func (l *ledger) save(ctx context.Context, edit func(next *record, e *Event) error) error {
	return l.share(ctx, edit, false)
}

// saveOrKeep is save for what time or plex.tv has decided: it holds even if the
// store fails. Memory is then ahead of the disk until the next save.
func (l *ledger) saveOrKeep(ctx context.Context, edit func(next *record, e *Event) error) error {
	return l.share(ctx, edit, true)
}

// forget is saveOrKeep for a sign-out: nobody stays signed in because a disk is full.
// left is why the store still holds the tokens.
func (l *ledger) forget(ctx context.Context, edit func(next *record, e *Event) error) (left, err error) {
	again := func(next *record, e *Event) error {
		next.storageProblem = "" // the store may still hold what memory has forgotten
		return edit(next, e)
	}
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	err = l.applyLocked(again, func(next *record) error {
		gone, err := l.store.Forget(next.State)
		if l.noteSave(next, err); !gone {
			left = errStorage(err)
		}
		return nil
	})
	return left, err
}

// applyLocked lets edit change a copy of the record and write make that durable.
// What edit or write refuses is not done. It needs the lock.
func (l *ledger) applyLocked(edit func(*record, *Event) error, write func(*record) error) error {
	before, event := l.record(), Event{}
	next := *before
	if err := edit(&next, &event); err != nil {
		return err
	}
	if next.State != before.State || next.storageProblem != before.storageProblem {
		if err := write(&next); err != nil {
			problem := *before
			problem.storageProblem = next.storageProblem
			l.publish(&problem, Event{})
			return errStorage(err)
		}
	}
	l.replace(&next, event)
	return nil
}

// replace publishes next, unless nothing has changed that anybody outside sees.
func (l *ledger) replace(next *record, event Event) {
	before := l.current.Load()
	timeless := *next
	timeless.times = before.times
	if timeless == *before.record && event == (Event{}) {
		l.current.Store(&published{next, before.snapshot})
		return
	}
	l.publish(next, event)
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

// change is an edit that waits to be saved.
type change struct {
	ctx  context.Context
	edit func(*record, *Event) error
	keep bool          // it holds even if the store fails
	done chan struct{} // closed once it is saved, or refused
	err  error         // set before done is closed
}

// share makes a change together with all that wait: whoever gets the lock saves for
// the others, too. edit may run more than once; only its last run counts.
func (l *ledger) share(ctx context.Context, edit func(*record, *Event) error, keep bool) error {
	c := &change{ctx: ctx, edit: edit, keep: keep, done: make(chan struct{})}
	l.queue.Add(c)
	select {
	case l.locked <- struct{}{}:
		l.commit(l.queue.Gather())
		l.unlock()
	case <-c.done:
	case <-ctx.Done():
		if l.queue.Remove(c) {
			return ctx.Err()
		}
	}
	<-c.done
	return c.err
}

// step is a change as it comes out after those before it.
type step struct {
	*change
	next  *record
	event Event
	err   error
}

// commit saves what all changes lead to, and publishes them one by one. If that
// cannot be saved, each is tried alone: it may have been another's fault. It needs
// the lock.
func (l *ledger) commit(changes []*change) {
	if len(changes) <= 1 || !l.together(changes) {
		for _, c := range changes {
			c.err = l.alone(c)
		}
	}
	l.queue.Saved(len(changes))
	for _, c := range changes {
		close(c.done)
	}
}

// together reports whether one save was enough for all changes.
func (l *ledger) together(changes []*change) bool {
	before := l.record()
	steps, last := l.steps(changes)
	if last.State == before.State || l.store.Save(last.State) != nil {
		return false
	}
	l.noteSave(last, nil)
	for _, s := range visible(steps) {
		s.next.storageProblem = ""
		l.replace(s.next, s.event)
	}
	for _, s := range steps {
		s.change.err = s.err
	}
	return true
}

// visible returns the steps to publish. It leaves out those that change nothing but
// properties if the next step does the same.
func visible(steps []step) (some []step) {
	for _, s := range steps {
		last := len(some) - 1
		switch {
		case s.err != nil:
		case last >= 0 && s.event.isQuiet() && some[last].event.isQuiet():
			some[last] = s
		default:
			some = append(some, s)
		}
	}
	return some
}

// steps runs the edits one after the other.
func (l *ledger) steps(changes []*change) (steps []step, last *record) {
	last = l.record()
	for _, c := range changes {
		s := step{change: c, err: errors.Join(c.ctx.Err(), l.life.Err())}
		if s.err == nil {
			next := *last
			if s.err = c.edit(&next, &s.event); s.err == nil {
				s.next, last = &next, &next
			}
		}
		steps = append(steps, s)
	}
	return steps, last
}

// alone makes one change with a save of its own.
func (l *ledger) alone(c *change) error {
	if err := errors.Join(c.ctx.Err(), l.life.Err()); err != nil {
		return err
	}
	return l.applyLocked(c.edit, func(next *record) error {
		if err := l.write(next); !c.keep {
			return err
		}
		return nil
	})
}
