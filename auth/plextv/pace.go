// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"sync"
	"time"
)

// Pace bounds how often plex.tv is asked because somebody calls. Nothing is known of
// plex.tv's own limits but that they exist, so callers who ask again and again are
// told [RateLimited] here. The zero value bounds nothing.
type Pace struct {
	Burst, PinBurst int           // how many questions, and new PINs, at once
	Every, PinEvery time.Duration // and then one in this time
}

// Polite is the pace of a daemon that many frontends call.
func Polite() Pace {
	return Pace{Burst: 10, Every: time.Second, PinBurst: 4, PinEvery: 15 * time.Second}
}

type backgroundKey struct{}

// Background marks questions that no caller has caused: they have a time of their
// own and are asked whatever callers have used up.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// IsBackground reports whether ctx comes from [Background].
func IsBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

// budget counts questions against a [Pace].
type budget struct {
	mu        sync.Mutex
	all, pins bucket
}

// bucket holds what may be asked at once, and is filled as time passes.
type bucket struct {
	size   int
	every  time.Duration
	spent  float64   // of size, when it was last filled
	filled time.Time // zero: never used
}

func newBudget(p Pace) *budget {
	return &budget{all: bucket{size: p.Burst, every: p.Every}, pins: bucket{size: p.PinBurst, every: p.PinEvery}}
}

// take counts one question of a caller, or returns how long it is until it may be
// asked. Those of the background do not count: the poll of a pairing, once a second,
// would leave callers nothing.
func (b *budget) take(newPin, background bool, now time.Time) (wait time.Duration) {
	if background {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	buckets := []*bucket{&b.all}
	if newPin {
		buckets = append(buckets, &b.pins)
	}
	for _, k := range buckets {
		wait = max(wait, k.wait(now))
	}
	if wait > 0 {
		return wait
	}
	for _, k := range buckets {
		k.spent++
	}
	return 0
}

// wait fills the bucket and returns how long it is until there is one in it.
func (k *bucket) wait(now time.Time) time.Duration {
	if k.size == 0 {
		return 0
	}
	if gone := now.Sub(k.filled); gone > 0 && !k.filled.IsZero() {
		k.spent = max(0, k.spent-float64(gone)/float64(k.every))
	}
	k.filled = now
	return time.Duration((k.spent + 1 - float64(k.size)) * float64(k.every))
}
