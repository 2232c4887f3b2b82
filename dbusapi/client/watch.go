// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const ownerChanged = names.DBus + ".NameOwnerChanged"

// Watch is a subscription to everything that the daemon announces.
type Watch struct {
	// Events begins with a [Snapshot], or with [Gone] where no daemon runs, and
	// continues with every change in order. It survives the end of the daemon:
	// [Gone], and a new [Snapshot] when it is back. It is closed when the
	// context ends, the bus goes, or the daemon cannot be read; Err tells.
	// Events wait for a slow reader without a limit.
	Events <-chan Event

	client  *Client
	events  chan Event
	signals chan *dbus.Signal
	owner   string // the daemon's connection, "" when there is none
	status  Status
	err     error
}

// Watch subscribes. Once it has returned, no announcement of the daemon is missed.
func (c *Client) Watch(ctx context.Context) (*Watch, error) {
	w := &Watch{client: c, events: make(chan Event), signals: make(chan *dbus.Signal)}
	w.Events = w.events
	c.conn.Signal(w.signals)
	owner, err := w.subscribe(ctx)
	if err != nil {
		w.unsubscribe()
		return nil, err
	}
	go w.run(ctx, owner)
	return w, nil
}

// Err tells why Events was closed: the context's error, [Disconnected], or why
// the daemon could not be read. Call it after Events was closed.
func (w *Watch) Err() error { return w.err }

// rules are the match rules of a Watch.
func rules() []string {
	const ours = "type='signal',sender='" + names.Bus + "',path='" + names.Path + "'"
	return []string{
		ours + ",interface='" + names.Main + "'",
		ours + ",interface='" + names.Properties + "',arg0='" + names.Main + "'",
		"type='signal',sender='" + names.DBus + "',member='NameOwnerChanged',arg0='" + names.Bus + "'",
	}
}

// subscribe returns the connection that the daemon has now, "" if none.
func (w *Watch) subscribe(ctx context.Context) (owner string, err error) {
	for _, rule := range rules() {
		if reply := w.client.send(ctx, names.DBus, names.DBusPath, names.DBus, "AddMatch", rule); reply.Err != nil {
			return "", callError(ctx, "AddMatch", reply.Err)
		}
	}
	return w.client.daemon(ctx)
}

// daemon asks the bus which connection is the daemon's, "" if none.
func (c *Client) daemon(ctx context.Context) (owner string, err error) {
	reply := c.send(ctx, names.DBus, names.DBusPath, names.DBus, "GetNameOwner", names.Bus)
	if reply.Err != nil {
		err = callError(ctx, "GetNameOwner", reply.Err)
		if CodeOf(err) == NotRunning {
			err = nil
		}
		return "", err
	}
	err = decode("GetNameOwner", reply, &owner)
	return owner, err
}

func (w *Watch) unsubscribe() {
	w.client.conn.RemoveSignal(w.signals)
	for _, rule := range rules() {
		w.client.conn.BusObject().Go(names.DBus+".RemoveMatch", dbus.FlagNoReplyExpected, nil, rule)
	}
}

func (w *Watch) run(ctx context.Context, owner string) {
	defer close(w.events)
	defer w.unsubscribe()
	w.err = w.follow(ctx, owner)
	for w.err == nil {
		select {
		case <-ctx.Done():
			w.err = ctx.Err()
		case signal, ok := <-w.signals:
			if ok {
				w.err = w.take(ctx, signal)
			} else {
				w.err = disconnected(nil)
			}
		}
	}
}

// take handles one signal. The sender is checked although the rules name it:
// every process on the bus may send signals straight to us.
func (w *Watch) take(ctx context.Context, s *dbus.Signal) error {
	switch {
	case s.Sender == names.DBus && s.Name == ownerChanged:
		var name, before, owner string
		if err := dbus.Store(s.Body, &name, &before, &owner); err != nil || name != names.Bus {
			return nil
		}
		return w.follow(ctx, owner)
	case s.Sender != w.owner || s.Path != names.Path:
		return nil
	}
	return w.announce(ctx, s)
}

// follow turns to the daemon that has the bus name now. It is asked by its
// connection's own name, so that what it answers and what it announces are
// one sequence. What it announced before it answered is still in w.signals and
// is taken after the answer: the last value of each property is always right.
func (w *Watch) follow(ctx context.Context, owner string) error {
	before := w.owner
	w.owner, w.status = owner, Status{}
	if before != "" || owner == "" {
		if err := w.emit(ctx, Event{Kind: Gone}); err != nil {
			return err
		}
	}
	if owner == "" {
		return nil
	}
	status, err := w.client.stateOf(ctx, owner)
	if err != nil {
		return w.judge(ctx, err)
	}
	w.status = status
	return w.emit(ctx, Event{Kind: Snapshot, Status: status})
}

// judge returns err if the daemon that failed to answer is still the daemon.
// If not, the next NameOwnerChanged continues from here.
func (w *Watch) judge(ctx context.Context, err error) error {
	if now, askErr := w.client.daemon(ctx); askErr == nil && now != w.owner {
		return nil
	}
	return fmt.Errorf("reading the state: %w", err)
}

// announce turns a signal of the daemon into an event. A signal of another
// type counts as none, as with [read].
func (w *Watch) announce(ctx context.Context, s *dbus.Signal) error {
	e := Event{Status: w.status}
	var err error
	switch s.Name {
	case names.Properties + ".PropertiesChanged":
		var iface string
		var changed map[string]dbus.Variant
		var invalidated []string
		err = dbus.Store(s.Body, &iface, &changed, &invalidated)
		if e.Kind, e.Status = Changed, w.status.with(changed); e.Status == w.status {
			return nil
		}
		w.status = e.Status
	case names.Main + ".AuthChanged":
		var details map[string]dbus.Variant
		e.Kind, err = AuthChanged, dbus.Store(s.Body, &e.Authenticated, &details)
		read(details, "reason", &e.Reason)
	case names.Main + ".PinEnded":
		e.Kind, err = PinEnded, dbus.Store(s.Body, &e.PinID, &e.Result)
	default:
		return nil // a newer daemon's
	}
	if err != nil {
		return nil
	}
	return w.emit(ctx, e)
}

func (w *Watch) emit(ctx context.Context, e Event) error {
	select {
	case w.events <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
