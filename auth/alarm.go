package auth

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// alarm is what the keeper waits for: a time, or a reason to look before it.
// Its timer runs only while the keeper has nothing to do.
type alarm struct {
	timer clockwork.Timer

	mu      sync.Mutex
	reasons reasons // since the keeper last looked
}

// reasons are those to look before the time.
type reasons struct {
	changed bool // what is to be asked may be other things
	woken   bool // the box woke up, or the network is back
}

// newAlarm returns an alarm that goes off at once.
func newAlarm(clock clockwork.Clock) *alarm { return &alarm{timer: clock.NewTimer(0)} }

// ring has the alarm go off now. The reasons add up until the keeper takes them.
func (a *alarm) ring(why reasons) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reasons.changed = a.reasons.changed || why.changed
	a.reasons.woken = a.reasons.woken || why.woken
	a.timer.Reset(0)
}

// take stops the alarm and gives the reasons why it has gone off before its time.
func (a *alarm) take() (why reasons) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop()
	why, a.reasons = a.reasons, reasons{}
	return why
}

// set has the alarm go off in d, unless it has been rung since [alarm.take].
func (a *alarm) set(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reasons == (reasons{}) {
		a.timer.Reset(d)
	}
}

// stop takes back, too, that the alarm has gone off.
func (a *alarm) stop() {
	a.timer.Stop()
	select { // a fake clock's timer keeps the tick
	case <-a.timer.Chan():
	default:
	}
}
