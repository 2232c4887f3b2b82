// SPDX-License-Identifier: Apache-2.0

// Package bus connects to D-Bus for the daemon and its clients: it finds the bus,
// and filters out what godbus cannot handle.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// greetingTimeout is for joining, which a working bus answers at once.
const greetingTimeout = 5 * time.Second

// Connect opens a connection to "system", "session" or an address. No bus is
// started where none runs. File descriptors cannot be passed on it.
func Connect(name string, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	conn, _, err := connect(context.Background(), name, "", func(s socket) *wire { return newWire(s, nil) }, joinAsClient, opts)
	return conn, err
}

// joinAsClient leaves the greeting to godbus. A client may be in a Flatpak:
// xdg-dbus-proxy refuses serials that are lower than those before, and 0.1.4 any message
// that comes before authentication has ended.
func joinAsClient(conn *dbus.Conn, _ *wire, _ string) error {
	if err := conn.Auth(nil); err != nil {
		return err
	}
	return conn.Hello()
}

// Serve is [Connect] for a program that answers calls to a name of its own, which it
// takes, unless it is empty. It fails with a [NameError] if it cannot. A call may come
// before Serve returns. Of unicast signals, only the bus's own reach the program.
func Serve(ctx context.Context, name, own string, handler Handler, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	conn, _, err := connect(ctx, name, own, func(s socket) *wire { return newWire(s, handler) }, join, opts)
	return conn, err
}

// join greets the bus and takes the name own, unless it is empty.
func join(conn *dbus.Conn, w *wire, own string) error {
	if err := w.greet(own); err != nil {
		return err
	}
	w.welcome = strings.NewReader(welcome)
	return conn.Auth(nil)
}

type joiner func(conn *dbus.Conn, w *wire, own string) error

// connect opens a connection over a wire and joins the bus.
func connect(ctx context.Context, name, own string, over func(socket) *wire, join joiner, opts []dbus.ConnOption) (*dbus.Conn, *wire, error) {
	conn, w, err := open(ctx, name, own, over, join, opts)
	var notTaken *NameError
	if err != nil && !errors.As(err, &notTaken) {
		err = fmt.Errorf("connecting to the bus %q: %w", name, err)
	}
	return conn, w, err
}

func open(ctx context.Context, name, own string, over func(socket) *wire, join joiner, opts []dbus.ConnOption) (*dbus.Conn, *wire, error) {
	address, err := addressOf(name)
	if err != nil {
		return nil, nil, err
	}
	plain, err := dial(address)
	if err != nil {
		return nil, nil, err
	}
	socket, err := newSocket(plain)
	if err != nil {
		return nil, nil, err
	}
	w := over(socket)
	conn, err := dbus.NewConn(w, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, socket.Close())
	}
	// A bus that accepts connections and says nothing must not block us forever.
	ctx, cancel := context.WithTimeoutCause(ctx, greetingTimeout, errors.New("it says nothing"))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	if err = join(conn, w, own); err != nil {
		_ = conn.Close() // what went wrong has been said
		return nil, nil, cmp.Or(context.Cause(ctx), err)
	}
	return conn, w, nil
}

// addressOf finds the well-known buses where the D-Bus specification puts them.
func addressOf(name string) (string, error) {
	switch name {
	case "system":
		if address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); address != "" {
			return address, nil
		}
		return "unix:path=/var/run/dbus/system_bus_socket", nil
	case "session":
		if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
			return address, nil
		}
		return "", errors.New("DBUS_SESSION_BUS_ADDRESS is not set")
	default:
		return name, nil
	}
}

// dial connects to the first socket of a D-Bus address that answers. Only Unix
// sockets tell the bus who we are.
func dial(address string) (net.Conn, error) {
	err := errors.New("not a D-Bus address such as unix:path=/run/dbus/system_bus_socket")
	for one := range strings.SplitSeq(address, ";") {
		options, isUnix := strings.CutPrefix(one, "unix:")
		if !isUnix {
			continue
		}
		for option := range strings.SplitSeq(options, ",") {
			key, value, _ := strings.Cut(option, "=")
			value, badValue := dbus.UnescapeBusAddressValue(value)
			if badValue != nil || (key != "path" && key != "abstract") {
				continue
			}
			if key == "abstract" {
				value = "@" + value
			}
			var socket net.Conn
			if socket, err = net.Dial("unix", value); err == nil {
				return socket, nil
			}
		}
	}
	return nil, err
}
