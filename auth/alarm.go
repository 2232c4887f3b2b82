// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// alarm is what the schedule waits for: a time, or a reason to recheck before it.
// Its timer only runs while the schedule has nothing to do.
type alarm struct {
	timer clockwork.Timer

	mu      sync.Mutex
	reasons reasons // since the last take
}

// reasons to recheck before the time.
type reasons struct {
	changed bool // the tasks may have changed
	woken   bool // the box has resumed, or the network is back
	paused  bool // plex.tv has asked for a pause
}

// newAlarm returns an alarm that goes off at once.
func newAlarm(clock clockwork.Clock) *alarm { return &alarm{timer: clock.NewTimer(0)} }

// ring makes the alarm go off now. Reasons add up until they are taken.
func (a *alarm) ring(why reasons) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reasons = reasons{a.reasons.changed || why.changed, a.reasons.woken || why.woken, a.reasons.paused || why.paused}
	a.timer.Reset(0)
}

// take stops the alarm and returns the reasons for which it was rung.
func (a *alarm) take() (why reasons) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer.Stop()
	select { // a fake clock's timer keeps its tick
	case <-a.timer.Chan():
	default:
	}
	why, a.reasons = a.reasons, reasons{}
	return why
}

// set makes the alarm go off in d, unless it has been rung since [alarm.take].
func (a *alarm) set(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reasons == (reasons{}) {
		a.timer.Reset(d)
	}
}
