package dbusapi

import (
	"context"
	"sync"

	"github.com/godbus/dbus/v5"
)

// callers notices when somebody who waits for an answer leaves the bus. It
// listens only while somebody waits, so an idle daemon is not woken by every
// program that comes and goes.
type callers struct {
	conn *dbus.Conn

	mu      sync.Mutex
	waiting map[string]*waitingCaller
}

type waitingCaller struct {
	calls int
	here  context.Context // ends when the caller leaves
	left  context.CancelFunc
}

func newCallers(conn *dbus.Conn) *callers {
	return &callers{conn: conn, waiting: map[string]*waitingCaller{}}
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
		w.here, w.left = context.WithCancel(cs.conn.Context())
		cs.waiting[sender] = w
		cs.tellBus("AddMatch", sender)
	}
	w.calls++
	return w.here, func() { cs.release(sender, w) }
}

func (cs *callers) release(sender string, w *waitingCaller) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if w.calls--; w.calls > 0 {
		return
	}
	w.left()
	delete(cs.waiting, sender)
	cs.tellBus("RemoveMatch", sender)
}

// tellBus does not wait for the answer, but lets the bus send one: godbus
// never forgets the number of a call without an answer.
func (cs *callers) tellBus(member, sender string) {
	cs.conn.BusObject().Go("org.freedesktop.DBus."+member, 0, nil, leavingRule(sender))
}

// left ends the calls of a sender that has left.
func (cs *callers) left(sender string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if w := cs.waiting[sender]; w != nil {
		w.left()
	}
}

func leavingRule(sender string) string {
	return "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus'," +
		"member='NameOwnerChanged',arg0='" + sender + "',arg2=''"
}
