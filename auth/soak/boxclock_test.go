// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/jonboulle/clockwork"
)

// boxClock is the clock of a box in a world with a clock of its own. Its timers
// stand still while the box sleeps; its wall clock can be set, which, as with the
// real one, no timer and no measured time notices.
type boxClock struct {
	*clockwork.FakeClock // the time awake
	world                *clockwork.FakeClock
	start                time.Time // real, so that it has a monotonic part
	began                time.Time // of the time awake

	mu    sync.Mutex
	wrong time.Duration // how far the wall clock is ahead of the world's
	armed map[*boxTimer]time.Time
}

func newBoxClock(world *clockwork.FakeClock) *boxClock {
	began := world.Now()
	return &boxClock{
		FakeClock: clockwork.NewFakeClockAt(began), world: world,
		start: time.Now(), began: began, armed: make(map[*boxTimer]time.Time),
	}
}

// Now has a monotonic part, like the real thing: without one, whoever measures
// with it would be fooled by a clock that is set, which nobody is on a box.
func (c *boxClock) Now() time.Time {
	return withWall(c.start.Add(c.FakeClock.Since(c.began)), c.wall())
}

func (c *boxClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
func (c *boxClock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// wall is what the box takes for the time.
func (c *boxClock) wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.world.Now().Add(c.wrong)
}

// set sets the wall clock.
func (c *boxClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = now.Sub(c.world.Now())
}

// next is how long it is until a timer fires.
func (c *boxClock) next() (wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.FakeClock.Now()
	for _, at := range c.armed {
		if left := at.Sub(now); left > 0 && (!ok || left < wait) {
			wait, ok = left, true
		}
	}
	return wait, ok
}

// boxTimer is a timer of which the clock knows when it fires.
type boxTimer struct {
	clockwork.Timer
	clock *boxClock
}

func (c *boxClock) NewTimer(d time.Duration) clockwork.Timer {
	t := &boxTimer{c.FakeClock.NewTimer(d), c}
	t.arm(d)
	return t
}

func (t *boxTimer) arm(d time.Duration) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.clock.armed[t] = t.clock.FakeClock.Now().Add(d)
}

func (t *boxTimer) Reset(d time.Duration) bool {
	t.arm(d)
	return t.Timer.Reset(d)
}

func (t *boxTimer) Stop() bool {
	t.clock.mu.Lock()
	delete(t.clock.armed, t)
	t.clock.mu.Unlock()
	return t.Timer.Stop()
}

// withWall gives t another wall time and leaves its monotonic part. Package time
// has no way to say that, so this knows how it lays a time out: in the first word
// a flag, 33 bits of seconds since 1885 and 30 of nanoseconds.
func withWall(t, wall time.Time) time.Time {
	type layout struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}
	const hasMonotonic = 1 << 63
	seconds := wall.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	(*layout)(unsafe.Pointer(&t)).wall = hasMonotonic | uint64(seconds)<<30 | uint64(wall.Nanosecond())
	return t
}

func TestAClockThatIsSetMeasuresOn(t *testing.T) {
	world := clockwork.NewFakeClockAt(firstDay)
	clock := newBoxClock(world)
	before := clock.Now()
	world.Advance(time.Hour)
	clock.Advance(time.Minute)
	clock.set(time.Unix(0, 0))
	if now := clock.Now(); now.Unix() != 0 || now.Sub(before) != time.Minute {
		t.Errorf("it is %v, %v after %v", now.Round(0), now.Sub(before), before.Round(0))
	}
}
