// SPDX-License-Identifier: Apache-2.0

// Package servertime tells the time at plex.tv. Boxes without a battery start in
// 1970 or in the year of their image, so what plex.tv dates, such as the end of a
// token, is judged by plex.tv's clock and by the time that has passed since it
// was last seen.
package servertime

import (
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is plex.tv's clock as this box knows it. Its methods may be called from
// any goroutine.
type Clock struct {
	wall    clockwork.Clock
	uptime  func() time.Duration
	reading atomic.Pointer[reading]
}

// reading is one look at plex.tv's clock.
type reading struct {
	server time.Time
	at     time.Duration // uptime
}

// New returns a clock that has not seen plex.tv's yet. uptime is the time since
// some fixed moment; it must never be set, and should count the time in which
// the box sleeps. nil measures with wall, whose monotonic part stands still
// during sleep.
func New(wall clockwork.Clock, uptime func() time.Duration) *Clock {
	if uptime == nil {
		start := wall.Now()
		uptime = func() time.Duration { return wall.Since(start) }
	}
	return &Clock{wall: wall, uptime: uptime}
}

// Learn sets plex.tv's time, now. It has the form of OnDate in plextv.Config.
func (c *Clock) Learn(server time.Time) {
	c.reading.Store(&reading{server: server, at: c.uptime()})
}

// Known reports whether plex.tv has told its time.
func (c *Clock) Known() bool { return c.reading.Load() != nil }

// Now is the time at plex.tv, in UTC and to about a second. Until that is known
// it is the box's own, which may be years off: do not decide anything by it.
func (c *Clock) Now() time.Time {
	r := c.reading.Load()
	if r == nil {
		return c.wall.Now().UTC()
	}
	return r.server.Add(c.uptime() - r.at).UTC()
}

// Uptime is the time since some fixed moment. No setting of a clock changes it.
func (c *Clock) Uptime() time.Duration { return c.uptime() }
