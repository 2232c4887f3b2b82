// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// A test that waits until the schedule waits for the clock must not see it wait
// while it has something to do, even if it has not noticed yet.
func TestTheAlarmRunsOnlyWhileNothingIsToBeDone(t *testing.T) {
	clock := clockwork.NewFakeClock()
	runs := func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return clock.BlockUntilContext(ctx, 1) == nil
	}
	a := newAlarm(clock)
	_ = a.take() // it goes off once as it is made
	a.set(time.Hour)
	if !runs() || len(a.timer.Chan()) != 0 {
		t.Error("the alarm is set and does not run")
	}
	a.ring(reasons{woken: true})
	if runs() || len(a.timer.Chan()) != 1 {
		t.Error("rung, and it still runs")
	}
	if why := a.take(); why != (reasons{woken: true}) {
		t.Errorf("rung for %+v", why)
	}
	a.ring(reasons{changed: true}) // while the schedule works
	a.ring(reasons{woken: true})
	a.set(time.Hour)
	if runs() || len(a.timer.Chan()) != 1 {
		t.Error("what has rung meanwhile is lost")
	}
	if why := a.take(); why != (reasons{changed: true, woken: true}) || len(a.timer.Chan()) != 0 {
		t.Errorf("rung for %+v, then: %d", why, len(a.timer.Chan()))
	}
}
