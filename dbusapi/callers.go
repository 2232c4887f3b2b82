// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"
)

// callers notices when somebody who waits for an answer leaves the bus. It
// listens only while somebody waits, so an idle daemon is not woken by every
// program that comes and goes.
type callers struct {
	ctx   context.Context // ends with the daemon
	bus   *directory
	clock clockwork.Clock

	mu      sync.Mutex
	waiting map[string]*waitingCaller
}

type waitingCaller struct {
	calls int
	here  context.Context // ends when the caller leaves
	left  context.CancelFunc

	watched bool // by the bus, which tells us if the caller leaves
	done    clockwork.Timer
}

// linger is how long a caller stays watched for the next call: most who call
// once call again, and the bus need not be told each time.
const linger = time.Second

// maxWatched is half of the rules that dbus-daemon keeps for a connection. A
// call by somebody who leaves unnoticed runs until it is done.
const maxWatched = 256

func newCallers(ctx context.Context, address string, clock clockwork.Clock) *callers {
	cs := &callers{ctx: ctx, clock: clock, waiting: map[string]*waitingCaller{}}
	cs.bus = &directory{address: address, signals: cs}
	return cs
}

// watch gives a context that ends when sender leaves the bus, or we do. Call
// end when the call is answered. The bus handles our messages in order, so
// whoever leaves after the next answer from the bus is noticed.
func (cs *callers) watch(sender string) (here context.Context, end func()) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	w := cs.waiting[sender]
	if w == nil {
		w = &waitingCaller{}
		w.here, w.left = context.WithCancel(cs.ctx)
		w.done = cs.clock.AfterFunc(linger, func() { cs.forget(sender, w) })
		cs.waiting[sender] = w
		if w.watched = len(cs.waiting) <= maxWatched; w.watched {
			cs.bus.tellBus("AddMatch", leavingRule(sender))
		}
	}
	w.done.Stop()
	w.calls++
	return w.here, func() { cs.release(w) }
}

func (cs *callers) release(w *waitingCaller) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if w.calls--; w.calls == 0 {
		w.done.Reset(linger)
	}
}

func (cs *callers) forget(sender string, w *waitingCaller) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if w.calls > 0 || cs.waiting[sender] != w {
		return // a call has begun and set the time anew, meanwhile
	}
	w.left()
	delete(cs.waiting, sender)
	if w.watched {
		cs.bus.tellBus("RemoveMatch", leavingRule(sender))
	}
}

// DeliverSignal implements [dbus.SignalHandler]: it ends the calls of a caller
// who has left. Anybody can send us a signal that looks alike.
func (cs *callers) DeliverSignal(_, name string, signal *dbus.Signal) {
	if signal.Sender != theBus || name != "NameOwnerChanged" || len(signal.Body) != 3 {
		return
	}
	who, _ := signal.Body[0].(string)
	if owner, _ := signal.Body[2].(string); owner != "" {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if w := cs.waiting[who]; w != nil {
		w.left()
	}
}

func leavingRule(sender string) string {
	return "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus'," +
		"member='NameOwnerChanged',arg0='" + sender + "',arg2=''"
}
