// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

func TestPausesOutliveTheClient(t *testing.T) {
	s, c, clock := limited(t, retryAfter(429, "3600"), reply(200, jsonType, someUser))
	told := 0
	c.OnPause(func() { told++ })
	kept := c.Pauses()
	for name, test := range map[string]struct {
		pauses string
		set    time.Duration // of the clock, in between
		left   time.Duration
	}{
		"at once":         {kept, 0, time.Hour},
		"later":           {kept, 40 * time.Minute, 20 * time.Minute},
		"over":            {kept, time.Hour, 0},
		"a clock in 1970": {kept, -30 * 365 * 24 * time.Hour, time.Hour},
		"none":            {"", 0, 0},
		"damaged":         {"GET /api/v2/user until soon", 0, 0},
	} {
		later := clockwork.NewFakeClockAt(clock.Now().Add(test.set))
		next := s.client(t, func(cfg *plextv.Config) { cfg.Clock = later })
		next.Resume(test.pauses)
		if err := askUser(t.Context(), next); test.left == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if e := failed(t, err, plextv.RateLimited); e.RetryAfter.Round(time.Second) != test.left {
			t.Errorf("%s: %s left, want %s", name, e.RetryAfter, test.left)
		}
	}
	if told != 0 {
		t.Error("told of a pause that began before")
	}
}

func TestOnlyLongPausesAreTold(t *testing.T) {
	for value, want := range map[string]int{"60": 0, "61": 1} {
		told := 0
		c := serve(t, retryAfter(503, value)).client(t)
		c.OnPause(func() { told++ })
		_ = askUser(t.Context(), c)
		if told != want || (c.Pauses() != "") != (want > 0) {
			t.Errorf("Retry-After %s: told %d times, kept %q", value, told, c.Pauses())
		}
	}
}
