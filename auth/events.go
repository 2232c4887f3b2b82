// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/retune-tv/plexauthd/auth/status"
)

// Reason says why Authenticated or the signed-in user changed.
type Reason = status.Reason

// The reasons of an [AuthChange].
const (
	ReasonSignedIn     = status.ReasonSignedIn
	ReasonSignedOut    = status.ReasonSignedOut
	ReasonRevoked      = status.ReasonRevoked
	ReasonExpired      = status.ReasonExpired
	ReasonUserSwitched = status.ReasonUserSwitched
)

// PinResult is how a pairing ended.
type PinResult = status.PinResult

// The results of a [PinEnd].
const (
	PinClaimed   = status.PinClaimed
	PinTimedOut  = status.PinTimedOut
	PinCancelled = status.PinCancelled
	PinFailed    = status.PinFailed
)

// AuthChange tells that somebody signed in or out, or that the user changed.
type AuthChange struct {
	Authenticated bool
	Reason        Reason
}

// PinEnd tells that a pairing has ended.
type PinEnd struct {
	ID     uint64
	Result PinResult
}

// Event is one change of the account, sent once it is durable. It holds no secret
// except in Snapshot.
type Event struct {
	Snapshot *Snapshot   // the account after the change
	Auth     *AuthChange // nil when nobody signed in or out
	PinEnd   *PinEnd     // nil when no pairing ended

	cause error // the refusal that led to Auth, for the log; or nil
}

// feedDepth bounds the events that wait for one subscriber.
const feedDepth = 256

// feed delivers every event to every subscriber, each on its own goroutine, so
// that one that blocks or panics does not affect the others.
type feed struct {
	log *slog.Logger

	mu      sync.Mutex
	current *Snapshot
	subs    map[*subscriber]struct{}
}

type subscriber struct {
	mu     sync.Mutex
	queue  []Event
	ready  chan struct{} // holds one token while the queue is not empty
	closed chan struct{}
	lost   bool
}

func newFeed(log *slog.Logger, first *Snapshot) *feed {
	return &feed{log: log, current: first, subs: make(map[*subscriber]struct{})}
}

func (f *feed) subscribe(handle func(Event)) (cancel func()) {
	s := &subscriber{ready: make(chan struct{}, 1), closed: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs[s] = struct{}{}
	s.push(Event{Snapshot: f.current})
	go f.deliver(s, handle)
	return sync.OnceFunc(func() {
		f.mu.Lock()
		delete(f.subs, s)
		f.mu.Unlock()
		close(s.closed)
	})
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = e.Snapshot
	for s := range f.subs {
		if s.push(e) {
			f.log.Warn("a subscriber is too slow: the oldest events are dropped", "waiting", feedDepth)
		}
	}
}

// push queues e and reports whether the subscriber has just begun to lose events.
func (s *subscriber) push(e Event) (lossBegan bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == feedDepth {
		s.queue = s.queue[1:]
		lossBegan, s.lost = !s.lost, true
	}
	s.queue = append(s.queue, e)
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return lossBegan
}

func (s *subscriber) take() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.queue
	s.queue, s.lost = nil, false
	return events
}

func (f *feed) deliver(s *subscriber, handle func(Event)) {
	for {
		select {
		case <-s.closed:
			return
		case <-s.ready:
		}
		for _, e := range s.take() {
			select {
			case <-s.closed:
				return
			default:
				f.call(handle, e)
			}
		}
	}
}

func (f *feed) call(handle func(Event), e Event) {
	defer func() {
		if cause := recover(); cause != nil {
			// Only the type: the value could hold any part of the event.
			f.log.Error("a subscriber panicked and continues with the next event", "panic", fmt.Sprintf("%T", cause))
		}
	}()
	handle(e)
}
