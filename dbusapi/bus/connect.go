// SPDX-License-Identifier: Apache-2.0

// Package bus connects to D-Bus for the daemon and its clients: it finds the bus,
// and filters out what godbus cannot handle.
package bus

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// greetingTimeout is for authentication and Hello, which a working bus answers
// at once.
const greetingTimeout = 5 * time.Second

// Connect opens a connection to "system", "session" or an address. No bus is
// started where none runs. File descriptors cannot be passed on it.
func Connect(name string, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	return Serve(name, nil, opts...)
}

// Serve is [Connect] for a program that answers calls. Of unicast signals, only the
// bus's own reach it.
func Serve(name string, handler Handler, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	conn, _, err := connect(name, handler, false, opts)
	if err != nil {
		return nil, fmt.Errorf("connecting to the bus %q: %w", name, err)
	}
	return conn, nil
}

// connect opens a connection, and with descriptors one for an [Asker].
func connect(name string, handler Handler, descriptors bool, opts []dbus.ConnOption) (*dbus.Conn, *wire, error) {
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
	w := newWire(socket, handler)
	if descriptors {
		w = newAskingWire(socket, handler)
	}
	conn, err := dbus.NewConn(w, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, socket.Close())
	}
	// A bus that accepts connections and says nothing must not block us forever.
	silent := time.AfterFunc(greetingTimeout, func() { _ = socket.Close() })
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	silent.Stop()
	if err != nil {
		_ = conn.Close() // what went wrong has been said
		return nil, nil, err
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
