// SPDX-License-Identifier: Apache-2.0

// Package client is a typed client of plexauthd for frontends written in Go.
//
// A frontend subscribes, then reads, then acts, so that it misses nothing:
//
//	c, err := client.Dial(ctx, "system")
//	…
//	watch, err := c.Watch(ctx)
//	…
//	for event := range watch.Events {
//		if event.Kind == client.Snapshot && !event.Status.Authenticated {
//			pairing, err := c.RequestPin(ctx, client.PinOptions{})
//			… // show the code; a later event tells how it went
//		}
//	}
//
// Calls wait for the daemon's answer or the end of their context, whichever is
// first. Where the daemon has to ask plex.tv, it answers within 20 s. On the system
// bus they end when the daemon cannot be started, with the reason that systemd has.
package client

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

// Client is a connection to the bus on which the daemon is, or may appear. It
// is safe for concurrent use.
type Client struct {
	conn      *dbus.Conn
	end       context.CancelFunc
	flags     dbus.Flags
	startable bool // by systemd
}

// Dial connects to "system", "session" or the D-Bus address of a bus; ctx
// bounds the connecting alone. No bus is started where none runs: "session"
// needs DBUS_SESSION_BUS_ADDRESS. The daemon need not run.
func Dial(ctx context.Context, name string) (*Client, error) {
	life, end := context.WithCancel(context.Background())
	// godbus connects without a context of its own; the connection's does it.
	settled := context.AfterFunc(ctx, end)
	conn, err := bus.Connect(name, dbus.WithContext(life), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if !settled() {
		end()
		return nil, fmt.Errorf("connecting to the bus %q: %w", name, ctx.Err())
	}
	if err != nil {
		end()
		return nil, &Error{Code: Disconnected, Message: err.Error(), cause: err}
	}
	return &Client{conn: conn, end: end, startable: name == "system"}, nil
}

// Close ends the connection, and with it every [Watch] and every call under way.
func (c *Client) Close() error {
	defer c.end()
	return c.conn.Close()
}

// Interactive returns a client on the same connection whose calls let polkit
// ask the person at the screen for a password, where polkit runs. Such a call
// can take minutes.
func (c *Client) Interactive() *Client {
	asking := *c
	asking.flags |= dbus.FlagAllowInteractiveAuthorization
	return &asking
}

// call calls a member of the daemon and stores what it returns in results.
func (c *Client) call(ctx context.Context, iface, member string, args []any, results ...any) error {
	reply := c.ask(ctx, iface, member, args...)
	if reply.Err != nil {
		return callError(ctx, member, reply.Err)
	}
	return decode(member, reply, results...)
}

func decode(member string, reply *dbus.Call, results ...any) error {
	if err := reply.Store(results...); err != nil {
		return &Error{Code: Failed, Message: fmt.Sprintf("plexauthd's answer to %s: %v", member, err), cause: err}
	}
	return nil
}

// send sends a method call and waits for its end.
func (c *Client) send(ctx context.Context, to string, path dbus.ObjectPath, iface, member string, args ...any) *dbus.Call {
	return <-c.begin(ctx, to, path, iface, member, args...).Done
}

// begin sends a method call. It builds the message itself because godbus's objects
// leave the flag of interactive authorisation out.
func (c *Client) begin(ctx context.Context, to string, path dbus.ObjectPath, iface, member string, args ...any) *dbus.Call {
	message := &dbus.Message{
		Type:  dbus.TypeMethodCall,
		Flags: c.flags,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(to),
			dbus.FieldPath:        dbus.MakeVariant(path),
			dbus.FieldInterface:   dbus.MakeVariant(iface),
			dbus.FieldMember:      dbus.MakeVariant(member),
		},
		Body: args,
	}
	if len(args) > 0 {
		message.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
	}
	return c.conn.SendWithContext(ctx, message, make(chan *dbus.Call, 1))
}
