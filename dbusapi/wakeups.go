// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"log/slog"

	"github.com/godbus/dbus/v5"
)

// wakeups notices that the box has resumed from sleep or that its network is
// back, as far as services on the bus say so. None is called, so none is started
// for us: we hear what they tell everybody, and learn from the bus which
// connection each of them is.
//
// Without logind a resume is not noticed. The clocks would tell (CLOCK_BOOTTIME
// runs on while the box sleeps, CLOCK_MONOTONIC does not), but only if a timer
// looked at them, which would wake an idle box again and again. The network
// comes back after a sleep, too, and an account that is asked looks at the time.
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
	WakeNetwork = "network" // there is a way out again, or a better one
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

// listen asks the bus for all that is of interest. It does not wait for the
// answers. The bus handles our messages in order: once it sends us what a
// service says, it has told us who the service is.
func (w *wakeups) listen(bus dbus.BusObject) {
	for _, s := range w.sources {
		bus.Go("org.freedesktop.DBus.AddMatch", 0, nil, s.ownerRule())
		bus.Go("org.freedesktop.DBus.GetNameOwner", 0, w.owners, s.name)
		bus.Go("org.freedesktop.DBus.AddMatch", 0, nil, s.rule())
	}
}

// catchUp takes in who the services were when we asked. godbus hands an answer
// over before it reads on, so those from before a signal are all there.
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

// ownerChanged takes in that a bus name has another owner, "" for none.
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

// hear takes in a signal of any sender.
func (w *wakeups) hear(signal *dbus.Signal) {
	w.catchUp()
	for _, s := range w.sources {
		if s.said(signal) && s.better(s.read(signal.Body)) {
			w.log.Debug(s.text(), "source", s.name)
			go w.wake(s.reason) // it may take its time, and calls wait behind us
		}
	}
}
