// SPDX-License-Identifier: Apache-2.0

package servertime_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/servertime"
)

var (
	wrong = time.Unix(0, 0).UTC()
	right = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
)

func TestUnknownTimeIsTheBoxs(t *testing.T) {
	c := servertime.New(clockwork.NewFakeClockAt(wrong), nil)
	if c.Known() || !c.Now().Equal(wrong) {
		t.Errorf("known: %t, now: %s", c.Known(), c.Now())
	}
}

// The box's clock is set and the box sleeps; plex.tv's time is right all along.
func TestTimeGoesOnFromWhatPlexSaid(t *testing.T) {
	wall, uptime := clockwork.NewFakeClockAt(wrong), time.Hour
	c := servertime.New(wall, func() time.Duration { return uptime })
	c.Learn(right)
	wall.Advance(56 * 365 * 24 * time.Hour)
	uptime += 90 * time.Minute
	if want := right.Add(90 * time.Minute); !c.Known() || !c.Now().Equal(want) || c.Uptime() != uptime {
		t.Errorf("known: %t, now: %s, want %s", c.Known(), c.Now(), want)
	}
	c.Learn(right)
	if !c.Now().Equal(right) {
		t.Errorf("the newest word counts: %s", c.Now())
	}
}

func TestWithoutAnUptimeTheClockMeasures(t *testing.T) {
	wall := clockwork.NewFakeClockAt(wrong)
	c := servertime.New(wall, nil)
	c.Learn(right)
	wall.Advance(time.Minute)
	if !c.Now().Equal(right.Add(time.Minute)) || c.Uptime() != time.Minute {
		t.Errorf("now: %s, uptime: %s", c.Now(), c.Uptime())
	}
}
