// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/accessgroup"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// directory asks the bus, and polkit, about callers, over a connection of its own.
// The goroutine that reads calls may wait for an answer on it; on the connection of
// the calls, the answer would queue behind those that are not read yet. It connects
// at the first question, and reconnects if the connection is lost.
type directory struct {
	address string
	signals dbus.SignalHandler

	mu     sync.Mutex
	conn   *bus.Asker
	closed bool
}

// Where polkit is asked.
const (
	polkit     = "org.freedesktop.PolicyKit1"
	polkitPath = "/org/freedesktop/PolicyKit1/Authority"
)

// ask calls a method and waits for what it returns, without descriptors.
func (d *directory) ask(ctx context.Context, name string, path dbus.ObjectPath, iface, member string, args ...any) ([]any, error) {
	conn, err := d.connection()
	if err != nil {
		return nil, err
	}
	return conn.Ask(ctx, name, path, iface, member, args...)
}

// identity is who a caller is, as the bus reports it.
type identity struct {
	uid    uint32
	groups []uint32
}

// credentials asks the bus, which got user, groups and process from the kernel when
// the caller connected. Close process; it is nil if the bus passes no descriptor.
// dbus-broker passes one since 34, dbus-daemon since 1.16.
func (d *directory) credentials(ctx context.Context, caller string) (who identity, process *os.File, err error) {
	conn, err := d.connection()
	if err != nil {
		return identity{}, nil, err
	}
	err = conn.AskFor(ctx, func(answer []any) error {
		var reported map[string]dbus.Variant
		if err := dbus.Store(answer, &reported); err != nil {
			return err
		}
		if who, err = identityIn(reported); err != nil {
			return err
		}
		if fd, ok := reported["ProcessFD"].Value().(dbus.UnixFD); ok {
			process, err = bus.Keep(fd, "process of "+caller)
		}
		return err
	}, names.DBus, names.DBusPath, names.DBus, "GetConnectionCredentials", caller)
	return who, process, err
}

// identityIn reads credentials. dbus-daemon reports groups since 1.14. For its own rules
// about groups an older one looks into the files, as is done here.
func identityIn(reported map[string]dbus.Variant) (identity, error) {
	uid, ok := reported["UnixUserID"].Value().(uint32)
	if !ok {
		return identity{}, errors.New("no user id")
	}
	groups, ok := reported["UnixGroupIDs"].Value().([]uint32)
	if !ok {
		groups = accessgroup.Of(uid)
	}
	return identity{uid: uid, groups: groups}, nil
}

// tell calls a method and does not wait for the answer. It does request one, because
// godbus never forgets the serial of a call without an answer.
func (d *directory) tell(name string, path dbus.ObjectPath, iface, member string, args ...any) {
	if conn, err := d.connection(); err == nil {
		conn.Object(name, path).Go(iface+"."+member, 0, nil, args...)
	}
}

func (d *directory) tellBus(member string, args ...any) {
	d.tell(names.DBus, names.DBusPath, names.DBus, member, args...)
}

func (d *directory) connection() (*bus.Asker, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.New("the daemon is stopping")
	}
	if d.conn == nil || !d.conn.Connected() {
		conn, err := bus.Ask(d.address, nothing{}, dbus.WithSignalHandler(d.signals))
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

// nothing answers calls to a connection that only asks: it has no objects.
type nothing struct{}

// HandleCall implements [bus.Handler].
func (nothing) HandleCall(c *bus.Call) {
	c.Reply(func() bus.Reply { return failure(unknown(names.ErrUnknownObject, "object", c.Path)) })
}
