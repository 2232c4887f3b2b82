package dbusapi

import (
	"context"
	"errors"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// directory asks the bus, and polkit, about callers, over a connection of its
// own. The goroutine that reads the calls can wait for an answer there: on the
// connection of the calls the answer would come behind all those that have not
// been read yet. It connects with the first question, and anew after trouble.
type directory struct {
	address string
	signals dbus.SignalHandler

	mu     sync.Mutex
	conn   *dbus.Conn
	closed bool
}

// Where to ask.
const (
	theBus  = "org.freedesktop.DBus"
	busPath = "/org/freedesktop/DBus"

	polkit     = "org.freedesktop.PolicyKit1"
	polkitPath = "/org/freedesktop/PolicyKit1/Authority"
)

// ask calls a method and waits for the answer.
func (d *directory) ask(ctx context.Context, name string, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	conn, err := d.connection()
	if err != nil {
		return &dbus.Call{Err: err}
	}
	return conn.Object(name, path).CallWithContext(ctx, method, 0, args...)
}

// tellBus calls a method of the bus and does not wait for the answer. There is
// one all the same: godbus never forgets the number of a call without.
func (d *directory) tellBus(member string, args ...any) {
	if conn, err := d.connection(); err == nil {
		conn.BusObject().Go(theBus+"."+member, 0, nil, args...)
	}
}

func (d *directory) connection() (*dbus.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.New("the daemon is stopping")
	}
	if d.conn == nil || !d.conn.Connected() {
		conn, err := bus.Serve(d.address, nothing{}, dbus.WithSignalHandler(d.signals))
		if err != nil {
			return nil, err
		}
		d.conn = conn
	}
	return d.conn, nil
}

func (d *directory) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed = true; d.conn != nil {
		_ = d.conn.Close()
	}
}

// nothing is what is found on a connection that is there to ask.
type nothing struct{}

// HandleCall implements [bus.Handler].
func (nothing) HandleCall(c *bus.Call) {
	c.Reply(func() bus.Reply { return failure(unknown(names.ErrUnknownObject, "object", c.Path)) })
}
