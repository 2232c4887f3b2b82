// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"strings"

	"github.com/godbus/dbus/v5"
)

// wakeSource is a service that says whether the box sleeps or has a network.
type wakeSource struct {
	name   string // of the service on the bus
	path   dbus.ObjectPath
	signal string // with its interface
	about  string // the first argument; "" is any
	reason string
	// read gives what a signal says; nothing if that is of no interest.
	read func(body []any) readings

	owner   string   // the service's connection, "" while it is not on the bus
	reached readings // what that has said last
}

// readings are how good things are, by what they are about.
type readings map[string]level

// level is how much can be done; what nobody has told counts as away. A rise is
// worth another try.
type level int

const (
	away level = iota
	partly
	fully
)

func wakeSources() []*wakeSource {
	return []*wakeSource{
		{ // org.freedesktop.login1(5), also of elogind
			name: "org.freedesktop.login1", path: "/org/freedesktop/login1",
			signal: "org.freedesktop.login1.Manager.PrepareForSleep", reason: WakeResumed, read: readSleep,
		},
		{ // NetworkManager's D-Bus reference
			name: "org.freedesktop.NetworkManager", path: "/org/freedesktop/NetworkManager",
			signal: "org.freedesktop.NetworkManager.StateChanged", reason: WakeNetwork, read: readNetworkManager,
		},
		{ // org.freedesktop.network1(5)
			name: "org.freedesktop.network1", path: "/org/freedesktop/network1",
			signal: propertiesInterface + ".PropertiesChanged", about: "org.freedesktop.network1.Manager",
			reason: WakeNetwork, read: readNetworkd,
		},
		{ // ConnMan's doc/manager-api.txt
			name: "net.connman", path: "/",
			signal: "net.connman.Manager.PropertyChanged", about: "State", reason: WakeNetwork, read: readConnMan,
		},
	}
}

// rule has the bus send us that signal of the service, and nothing else of it.
func (s *wakeSource) rule() string {
	dot := strings.LastIndex(s.signal, ".")
	rule := "type='signal',sender='" + s.name + "',path='" + string(s.path) +
		"',interface='" + s.signal[:dot] + "',member='" + s.signal[dot+1:] + "'"
	if s.about != "" {
		rule += ",arg0='" + s.about + "'"
	}
	return rule
}

// ownerRule has the bus tell us when the service comes and goes.
func (s *wakeSource) ownerRule() string {
	return "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus'," +
		"member='NameOwnerChanged',arg0='" + s.name + "'"
}

// said reports whether it was the service that has sent the signal. The rule
// does not keep others out: every process may send us a signal that looks alike.
func (s *wakeSource) said(signal *dbus.Signal) bool {
	about, _ := argument[string](signal.Body, 0)
	return s.owner != "" && signal.Sender == s.owner && signal.Path == s.path && signal.Name == s.signal &&
		(s.about == "" || about == s.about)
}

// better takes in what the service has said and reports whether anything has
// become better.
func (s *wakeSource) better(now readings) bool {
	risen := false
	for about, level := range now {
		risen = risen || level > s.reached[about]
		s.reached[about] = level
	}
	return risen
}

func (s *wakeSource) text() string {
	if s.reason == WakeResumed {
		return "the box has resumed from sleep"
	}
	return "the network is back"
}

// argument gives one value of a signal. [dbus.Store] would convert others to it.
func argument[T any](body []any, at int) (value T, ok bool) {
	if at < len(body) {
		value, ok = body[at].(T)
	}
	return value, ok
}

func readSleep(body []any) readings {
	sleeping, ok := argument[bool](body, 0)
	switch {
	case !ok:
		return nil
	case sleeping:
		return readings{"": away}
	default:
		return readings{"": fully}
	}
}

// readNetworkManager knows NMState. That goes from site to global once the
// person has got past a captive portal, so Connectivity need not be followed.
func readNetworkManager(body []any) readings {
	const connectedSite, connectedGlobal = 60, 70
	state, ok := argument[uint32](body, 0)
	switch {
	case !ok:
		return nil
	case state == connectedGlobal:
		return readings{"": fully}
	case state == connectedSite:
		return readings{"": partly}
	default:
		return readings{"": away}
	}
}

// readNetworkd follows two properties. OnlineState came with systemd 249, is
// about those links alone that the box must have, and may be online before
// there is a way out. OperationalState is the best of all links.
func readNetworkd(body []any) readings {
	changed, _ := argument[map[string]dbus.Variant](body, 1)
	found := readings{}
	for _, property := range []string{"OnlineState", "OperationalState"} {
		if word, ok := changed[property].Value().(string); ok {
			found[property] = levelOf(word)
		}
	}
	return found
}

func readConnMan(body []any) readings {
	value, _ := argument[dbus.Variant](body, 1)
	if word, ok := value.Value().(string); ok {
		return readings{"": levelOf(word)}
	}
	return nil
}

// levelOf knows the words of networkd and ConnMan. What it does not know is no
// way out.
func levelOf(word string) level {
	switch word {
	case "online", "routable":
		return fully
	case "partial", "ready":
		return partly
	default:
		return away
	}
}
