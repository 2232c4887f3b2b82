// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"context"
	"fmt"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// Watcher is a frontend that uses the Go client, and follows what happens.
type Watcher struct {
	*client.Client
	Events <-chan client.Event
	Err    func() error // why Events was closed

	box *Box
}

// Client connects a frontend written in Go.
func (b *Box) Client() *client.Client {
	b.Helper()
	c, err := client.Dial(b.Context(), b.Bus.Address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// Watch connects a frontend that watches until ctx ends.
func (b *Box) Watch(ctx context.Context) *Watcher {
	b.Helper()
	c := b.Client()
	watch, err := c.Watch(ctx)
	if err != nil {
		b.Fatal(err)
	}
	return &Watcher{c, watch.Events, watch.Err, b}
}

// Next reads what is announced until it is of that kind.
func (w *Watcher) Next(kind client.Kind) (client.Event, error) {
	return w.next(string(kind), func(e client.Event) bool { return e.Kind == kind })
}

// MustNext is [Watcher.Next] for what has to come.
func (w *Watcher) MustNext(kind client.Kind) client.Event {
	w.box.Helper()
	return w.Await(string(kind), func(e client.Event) bool { return e.Kind == kind })
}

// Await reads what is announced until something is as wanted.
func (w *Watcher) Await(what string, wanted func(client.Event) bool) client.Event {
	w.box.Helper()
	event, err := w.next(what, wanted)
	if err != nil {
		w.box.Fatalf("%v; output:\n%s", err, &w.box.Printed)
	}
	return event
}

func (w *Watcher) next(what string, wanted func(client.Event) bool) (client.Event, error) {
	late := time.After(Patience)
	for {
		select {
		case event, ok := <-w.Events:
			if !ok {
				return event, fmt.Errorf("waiting for %s: the watch has ended: %w", what, w.Err())
			}
			if wanted(event) {
				return event, nil
			}
		case <-late:
			return client.Event{}, fmt.Errorf("%s did not come", what)
		}
	}
}

// SignIn pairs the box as the person who has that token, or with somebody new if
// it is empty.
func (w *Watcher) SignIn(person string) {
	w.box.Helper()
	pin, err := w.RequestPin(w.box.Context(), client.PinOptions{})
	if err != nil {
		w.box.Fatal(err)
	}
	w.box.Claim(pin.Code, person)
	w.Await("the sign-in", func(e client.Event) bool { return e.Status.Authenticated })
}
