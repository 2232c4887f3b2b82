// SPDX-License-Identifier: Apache-2.0

// Package groupcommit gathers changes that share a save.
package groupcommit

import (
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Queue holds the changes that wait while others are being saved. Its methods are
// safe for concurrent use, but only one goroutine at a time may call Gather, and
// Saved after it.
type Queue[change comparable] struct {
	clock clockwork.Clock
	began time.Time // the save of what was gathered last

	mu      sync.Mutex
	waiting []change
	crowd   int           // changes that were under way at the end of the last save
	took    time.Duration // of the last save
	full    chan struct{} // closed once crowd changes wait; nil unless Gather waits for that
}

// New returns an empty queue. The clock tells what a save takes.
func New[change comparable](clock clockwork.Clock) *Queue[change] {
	return &Queue[change]{clock: clock}
}

// Add adds a change.
func (q *Queue[change]) Add(c change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if q.full != nil && len(q.waiting) >= q.crowd {
		close(q.full)
		q.full = nil
	}
}

// Remove takes a change out and reports whether it was still waiting.
func (q *Queue[change]) Remove(c change) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(other change) bool { return other == c })
	return len(q.waiting) < before
}

// mostPatience is more than a caller on the bus needs to call again once answered. A disk
// that was stuck for seconds does not make the next caller wait for others.
const mostPatience = 5 * time.Millisecond

// Gather takes out all changes. It waits for callers who change something again as
// soon as they are answered, so that they share the next save rather than take turns
// in two groups; but no longer than the last save took, which is what a caller who
// comes too late for this one has to wait. It does not wait if nobody else called, or if
// nothing is to be saved.
func (q *Queue[change]) Gather() []change {
	if full, patience := q.awaitCrowd(); patience > 0 {
		timer := q.clock.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-full:
		case <-timer.Chan():
		}
	}
	q.began = q.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting, q.full = nil, nil
	return all
}

// awaitCrowd returns what to wait for, and for how long; 0 if all are there.
func (q *Queue[change]) awaitCrowd() (full <-chan struct{}, patience time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || len(q.waiting) >= q.crowd {
		return nil, 0
	}
	q.full = make(chan struct{})
	return q.full, min(q.took, mostPatience)
}

// Saved notes that the changes gathered last, so many, have been saved. Call it before
// those who made them can make others.
func (q *Queue[change]) Saved(changes int) {
	took := q.clock.Since(q.began)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.crowd, q.took = changes+len(q.waiting), took
}

// Len returns how many changes wait.
func (q *Queue[change]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
