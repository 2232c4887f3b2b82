// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// rateLimit stops all calls while plex.tv limits the rate: its limits count all
// questions of a client together.
type rateLimit struct {
	mu     sync.Mutex
	start  time.Time
	pause  time.Duration
	pauses *backoff.ExponentialBackOff
}

// newRateLimit has pauses of 10 s to 1 min for a 429 that names none, which is
// the only kind of 429 anybody has reported.
func newRateLimit() *rateLimit {
	l := &rateLimit{pauses: &backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: 0.2, MaxInterval: time.Minute,
	}}
	l.pauses.Reset()
	return l
}

// left returns how much of the pause is left, 0 for none. A clock that has been
// set back ends it.
func (l *rateLimit) left(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remaining(now)
}

func (l *rateLimit) remaining(now time.Time) time.Duration {
	gone := now.Sub(l.start)
	if gone < 0 {
		return 0
	}
	return max(0, l.pause-gone)
}

// limited starts a pause after a 429, as long as that asks for, or a longer one
// each time. Answers to concurrent questions count once. It returns what is left.
func (l *rateLimit) limited(named time.Duration, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.remaining(now)
	switch {
	case named > left:
		l.start, l.pause = now, named
	case left == 0:
		l.start, l.pause = now, l.pauses.NextBackOff()
	}
	return l.remaining(now)
}

// answered makes pauses short again.
func (l *rateLimit) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pauses.Reset()
}
