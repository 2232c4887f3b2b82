// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// rateLimit keeps the pauses that plex.tv asks for, for each kind of question: a
// limit on one must not keep a pairing from noticing its claim.
type rateLimit struct {
	mu    sync.Mutex
	kinds map[string]*pause
}

// pause is how long one kind of question is not asked.
type pause struct {
	start   time.Time
	length  time.Duration
	unnamed *backoff.ExponentialBackOff // lengths of pauses after a 429 that names none
	told    bool                        // it was worth keeping, and is kept until an answer comes
}

func newRateLimit() *rateLimit { return &rateLimit{kinds: make(map[string]*pause)} }

// of returns the pause of a kind. It needs l.mu.
func (l *rateLimit) of(kind string) *pause {
	p := l.kinds[kind]
	if p == nil {
		// The only kind of 429 that anybody has reported names no pause.
		p = &pause{unnamed: &backoff.ExponentialBackOff{
			InitialInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: 0.2, MaxInterval: time.Minute,
		}}
		p.unnamed.Reset()
		l.kinds[kind] = p
	}
	return p
}

// left returns how much of the kind's pause is left, 0 for none. A clock that has
// been set back ends it.
func (l *rateLimit) left(kind string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(kind).left(now)
}

func (p *pause) left(now time.Time) time.Duration {
	gone := now.Sub(p.start)
	if gone < 0 {
		return 0
	}
	return max(0, p.length-gone)
}

// limited starts a pause that plex.tv asks for, as long as it names, or after a 429
// that names none a longer one each time. Answers to concurrent questions count
// once. It returns what is left.
func (l *rateLimit) limited(kind string, named time.Duration, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of(kind)
	left := p.left(now)
	switch {
	case named > left:
		p.start, p.length, p.told = now, named, p.told || named > worthKeeping
	case left == 0:
		p.start, p.length = now, p.unnamed.NextBackOff()
	}
	return p.left(now)
}

// answered makes the kind's pauses short again, and reports whether one that was kept is
// over: on a box whose clock starts in the past it would come back with every start.
func (l *rateLimit) answered(kind string) (keptOver bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of(kind)
	p.unnamed.Reset()
	keptOver, p.told = p.told, false
	return keptOver
}

// resume starts a pause that was kept; left may be over.
func (l *rateLimit) resume(kind string, left time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of(kind)
	p.start, p.length, p.told = now, max(0, left), true
}
