// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// callers notices when a caller that waits for an answer leaves the bus. It
// subscribes only while one waits, so that programs that come and go do not wake an
// idle daemon.
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

	watched bool // the bus tells us if the caller leaves
	done    clockwork.Timer
}

// linger is how long a caller stays watched after a call. Most call again soon,
// which saves removing and adding its match rule.
const linger = time.Second

// maxWatched is half of the match rules that dbus-daemon allows a connection. A
// call whose caller is not watched runs to its end.
const maxWatched = 256

func newCallers(ctx context.Context, address string, clock clockwork.Clock) *callers {
	cs := &callers{ctx: ctx, clock: clock, waiting: map[string]*waitingCaller{}}
	cs.bus = &directory{address: address, signals: cs}
	return cs
}

// watch returns a context that ends when sender or the daemon leaves the bus. Call
// end when the call is answered. The bus handles our messages in order, so a caller
// that leaves after the bus's next answer is noticed.
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
		return // another call has begun meanwhile
	}
	w.left()
	delete(cs.waiting, sender)
	if w.watched {
		cs.bus.tellBus("RemoveMatch", leavingRule(sender))
	}
}

// DeliverSignal implements [dbus.SignalHandler]: it ends the calls of a caller that
// has left. It checks the sender, because any process can send such a signal.
func (cs *callers) DeliverSignal(_, name string, signal *dbus.Signal) {
	if signal.Sender != names.DBus || name != "NameOwnerChanged" || len(signal.Body) != 3 {
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
	return "type='signal',sender='" + names.DBus + "',interface='" + names.DBus + "'," +
		"member='NameOwnerChanged',arg0='" + sender + "',arg2=''"
}
