// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"log/slog"

	"github.com/godbus/dbus/v5"
)

// wakeups notices that the box has resumed from sleep or that its network is back,
// from the signals of services on the bus. It calls none of them, because that
// would start it: it subscribes to their signals, and asks the bus which connection
// each of them is.
//
// Without logind a resume is not noticed. Comparing clocks (CLOCK_BOOTTIME runs on
// while the box sleeps, CLOCK_MONOTONIC does not) would need a timer, which would
// keep waking an idle box. But the network comes back after a sleep, too, and an
// account that is called checks the time.
//
// Everything but listen runs on the goroutine that reads from the bus, so
// nothing is locked, and answers and signals are in the order in which the bus
// has sent them.
type wakeups struct {
	wake    func(reason string)
	log     *slog.Logger
	sources []*wakeSource
	owners  chan *dbus.Call // answers to GetNameOwner
}

// The reasons that [Options].Wake is given.
const (
	WakeResumed = "resumed" // the box has slept
	WakeNetwork = "network" // the internet can be reached again, or better
)

// newWakeups watches nothing if wake is nil.
func newWakeups(wake func(reason string), log *slog.Logger) *wakeups {
	w := &wakeups{wake: wake, log: log}
	if wake != nil {
		w.sources = wakeSources()
	}
	w.owners = make(chan *dbus.Call, len(w.sources)) // godbus does not wait for us
	return w
}

// listen subscribes. It does not wait for the bus's answers. The bus handles our
// messages in order: before the first signal of a service, it says who the service
// is.
func (w *wakeups) listen(bus dbus.BusObject) {
	for _, s := range w.sources {
		bus.Go("org.freedesktop.DBus.AddMatch", 0, nil, s.ownerRule())
		bus.Go("org.freedesktop.DBus.GetNameOwner", 0, w.owners, s.name)
		bus.Go("org.freedesktop.DBus.AddMatch", 0, nil, s.rule())
	}
}

// catchUp reads the answers to GetNameOwner. godbus delivers an answer before it
// reads on, so all those from before a signal are there.
func (w *wakeups) catchUp() {
	for {
		select {
		case answer := <-w.owners:
			var owner string
			if err := answer.Store(&owner); err != nil {
				owner = "" // the service is not on the bus
			}
			w.follow(answer.Args[0].(string), owner)
		default:
			return
		}
	}
}

// ownerChanged records the new owner of a bus name, "" for none.
func (w *wakeups) ownerChanged(name, owner string) {
	w.catchUp()
	w.follow(name, owner)
}

func (w *wakeups) follow(name, owner string) {
	for _, s := range w.sources {
		if s.name == name && s.owner != owner {
			s.owner, s.reached = owner, readings{}
		}
	}
}

// hear handles a signal of any sender.
func (w *wakeups) hear(signal *dbus.Signal) {
	w.catchUp()
	for _, s := range w.sources {
		if s.said(signal) && s.better(s.read(signal.Body)) {
			w.log.Debug(s.text(), "source", s.name)
			go w.wake(s.reason) // it may block, and calls wait for this goroutine
		}
	}
}
