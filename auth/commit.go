// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// change is an edit that waits to be saved.
type change struct {
	ctx  context.Context
	edit func(*record, *Event) error
	keep bool          // it holds even if the store fails
	err  error         // set before done is closed
	done chan struct{} // closed once it is saved, or refused
}

func (c *change) finish(err error) {
	c.err = err
	close(c.done)
}

// queue holds the changes that wait while another is being saved.
type queue struct {
	mu      sync.Mutex
	waiting []*change
}

func (q *queue) add(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
}

func (q *queue) takeAll() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

// remove reports whether c was still waiting.
func (q *queue) remove(c *change) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(other *change) bool { return other == c })
	return len(q.waiting) < before
}

// share makes a change together with all that wait: whoever gets the lock saves for
// the others, too. edit may run more than once; only its last run counts.
func (l *ledger) share(ctx context.Context, edit func(*record, *Event) error, keep bool) error {
	c := &change{ctx: ctx, edit: edit, keep: keep, done: make(chan struct{})}
	l.queue.add(c)
	select {
	case l.locked <- struct{}{}:
		l.commit(l.queue.takeAll())
		l.unlock()
	case <-c.done:
	case <-ctx.Done():
		if l.queue.remove(c) {
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
	if len(changes) > 1 && l.together(changes) {
		return
	}
	for _, c := range changes {
		c.finish(l.alone(c))
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
	for _, s := range steps {
		if s.err == nil {
			s.next.storageProblem = ""
			l.replace(s.next, s.event)
		}
		s.finish(s.err)
	}
	return true
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
