// SPDX-License-Identifier: Apache-2.0

// Package wake notices that the box has resumed from sleep or that its network is
// back, from the signals of services on the bus: logind, NetworkManager, networkd and
// ConnMan. It calls none of them, because that would start it: it subscribes to
// their signals, and asks the bus which connection each of them is.
//
// Without logind a resume is not noticed. Comparing clocks (CLOCK_BOOTTIME runs on
// while the box sleeps, CLOCK_MONOTONIC does not) would need a timer, which would
// keep waking an idle box. But the network comes back after a sleep, too, and an
// account that is called checks the time.
package wake

import (
	"log/slog"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Listener hears the signals. Everything but Subscribe runs on the goroutine that
// reads from the bus, so nothing is locked, and answers and signals are in the order
// in which the bus has sent them.
type Listener struct {
	wake    func()
	log     *slog.Logger
	sources []*source
	owners  chan *dbus.Call // answers to GetNameOwner
}

// New returns a listener that calls wake, on a goroutine of its own each time: calls
// may overlap. It listens to nothing if wake is nil.
func New(wake func(), log *slog.Logger) *Listener {
	l := &Listener{wake: wake, log: log}
	if wake != nil {
		l.sources = sources()
	}
	l.owners = make(chan *dbus.Call, len(l.sources)) // godbus does not wait for us
	return l
}

// Subscribe does not wait for the bus's answers. The bus handles our messages in
// order: before the first signal of a service, it says who the service is.
func (l *Listener) Subscribe(bus dbus.BusObject) {
	for _, s := range l.sources {
		bus.Go(names.DBus+".AddMatch", 0, nil, s.ownerRule())
		bus.Go(names.DBus+".GetNameOwner", 0, l.owners, s.name)
		bus.Go(names.DBus+".AddMatch", 0, nil, s.rule())
	}
}

// DeliverSignal implements [dbus.SignalHandler]. It checks senders, because any
// process can send a signal that looks like the ones subscribed to.
func (l *Listener) DeliverSignal(iface, name string, signal *dbus.Signal) {
	l.readOwners()
	fromBus := signal.Sender == names.DBus && iface == names.DBus
	if fromBus && name == "NameOwnerChanged" && len(signal.Body) == 3 {
		who, _ := signal.Body[0].(string)
		owner, _ := signal.Body[2].(string)
		l.follow(who, owner)
		return
	}
	for _, s := range l.sources {
		if s.said(signal) && s.better(s.read(signal.Body)) {
			l.log.Debug(s.event, "source", s.name)
			go l.wake() // it may block, and calls wait for this goroutine
		}
	}
}

// readOwners reads the answers to GetNameOwner. godbus delivers an answer before it
// reads on, so all those from before a signal are there.
func (l *Listener) readOwners() {
	for {
		select {
		case answer := <-l.owners:
			var owner string
			if err := answer.Store(&owner); err != nil {
				owner = "" // the service is not on the bus
			}
			l.follow(answer.Args[0].(string), owner)
		default:
			return
		}
	}
}

// follow records the owner of a bus name, "" for none.
func (l *Listener) follow(name, owner string) {
	for _, s := range l.sources {
		if s.name == name && s.owner != owner {
			s.owner, s.reached = owner, readings{}
		}
	}
}
