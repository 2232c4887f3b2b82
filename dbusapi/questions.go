package dbusapi

import (
	"context"
	"errors"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

// questions asks the bus about callers, over a connection of its own: the
// goroutine that reads the calls waits for the answer, and on the connection of
// the calls that would come behind all those that have not been read yet. It
// connects with the first question, and anew after trouble.
type questions struct {
	address string

	mu     sync.Mutex
	conn   *dbus.Conn
	closed bool
}

// ask calls a method of the bus.
func (q *questions) ask(ctx context.Context, method string, args ...any) *dbus.Call {
	conn, err := q.connection()
	if err != nil {
		return &dbus.Call{Err: err}
	}
	return conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus."+method, 0, args...)
}

func (q *questions) connection() (*dbus.Conn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, errors.New("the daemon is stopping")
	}
	if q.conn == nil || !q.conn.Connected() {
		conn, err := bus.Connect(q.address)
		if err != nil {
			return nil, err
		}
		q.conn = conn
	}
	return q.conn, nil
}

func (q *questions) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed = true; q.conn != nil {
		_ = q.conn.Close()
	}
}
