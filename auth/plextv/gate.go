package plextv

import (
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// gate keeps all calls from asking while plex.tv limits the rate: its limits
// count a client's questions together, whatever they are about.
type gate struct {
	mu     sync.Mutex
	shut   time.Time
	pause  time.Duration
	pauses *backoff.ExponentialBackOff
}

// newGate opens with pauses of 10 s to 1 min after a 429 that names none, which
// is the only kind of 429 anybody has reported.
func newGate() *gate {
	g := &gate{pauses: &backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: 0.2, MaxInterval: time.Minute,
	}}
	g.pauses.Reset()
	return g
}

// left returns how long the gate stays shut, 0 if it is open. A clock that has
// been set back opens it.
func (g *gate) left(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.remaining(now)
}

func (g *gate) remaining(now time.Time) time.Duration {
	gone := now.Sub(g.shut)
	if gone < 0 {
		return 0
	}
	return max(0, g.pause-gone)
}

// limited shuts the gate after a 429, for the pause it names, or a longer one
// each time. Answers to questions that were asked together count once. It
// returns how long the gate stays shut.
func (g *gate) limited(named time.Duration, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	left := g.remaining(now)
	switch {
	case named > left:
		g.shut, g.pause = now, named
	case left == 0:
		g.shut, g.pause = now, g.pauses.NextBackOff()
	}
	return g.remaining(now)
}

// answered makes pauses short again.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pauses.Reset()
}
