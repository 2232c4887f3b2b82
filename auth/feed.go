// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// feedDepth is how many events may wait for one subscriber before those that change
// properties only are merged. An event that somebody signed in or out or that a
// pairing ended always waits as it is: there are few of these, and each is for somebody.
const feedDepth = 256

// feed delivers every event to every subscriber, each on its own goroutine, so
// that one that blocks or panics does not affect the others.
type feed struct {
	log *slog.Logger

	mu      sync.Mutex
	current *Snapshot
	subs    map[*subscription]struct{}
}

// subscription delivers events to one handler, in order.
type subscription struct {
	feed   *feed
	handle func(Event)
	ready  chan struct{} // holds one token while the queue is not empty
	closed chan struct{}
	close  func()

	mu    sync.Mutex
	queue []delivery
	last  <-chan struct{} // of the last delivery that was queued
}

// delivery is an event on its way to a handler.
type delivery struct {
	Event
	done chan struct{} // closed when it has been handled
}

func newFeed(log *slog.Logger, first *Snapshot) *feed {
	return &feed{log: log, current: first, subs: make(map[*subscription]struct{})}
}

func (f *feed) subscribe(handle func(Event)) *subscription {
	s := &subscription{feed: f, handle: handle, ready: make(chan struct{}, 1), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs[s] = struct{}{}
	s.push(Event{Snapshot: f.current})
	go s.deliver()
	return s
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = e.Snapshot
	for s := range f.subs {
		s.push(e)
	}
}

func (s *subscription) cancel() {
	s.feed.mu.Lock()
	delete(s.feed.subs, s)
	s.feed.mu.Unlock()
	s.close()
}

// settle waits until the handler has returned for every event published so far, or
// until ctx or the subscription ends.
func (s *subscription) settle(ctx context.Context) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	select {
	case <-last:
	case <-s.closed:
	case <-ctx.Done():
	}
}

func (s *subscription) push(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.queue); n >= feedDepth && e.isQuiet() && s.queue[n-1].isQuiet() {
		s.queue[n-1].Event = e
		return
	}
	done := make(chan struct{})
	s.queue, s.last = append(s.queue, delivery{e, done}), done
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// next takes the first delivery from the queue.
func (s *subscription) next() (next delivery, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return delivery{}, false
	}
	next, s.queue[0] = s.queue[0], delivery{} // its snapshot is not kept
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return next, true
}

func (s *subscription) deliver() {
	for {
		select {
		case <-s.closed:
			return
		case <-s.ready:
		}
		for {
			next, found := s.next()
			if !found {
				break
			}
			select {
			case <-s.closed:
				return
			default:
				s.call(next)
			}
		}
	}
}

func (s *subscription) call(d delivery) {
	defer close(d.done)
	defer func() {
		if cause := recover(); cause != nil {
			// Only the type: the value could hold any part of the event.
			s.feed.log.Error("a subscriber panicked and continues with the next event", "panic", fmt.Sprintf("%T", cause))
		}
	}()
	s.handle(d.Event)
}
