// SPDX-License-Identifier: Apache-2.0

package wake

import (
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// source is a service that says whether the box sleeps or has a network.
type source struct {
	name   string // of the service on the bus
	path   dbus.ObjectPath
	signal string // with its interface
	about  string // the first argument; "" is any
	event  string // what to log
	// read returns what a signal says, nil if that is of no interest.
	read func(body []any) readings

	owner   string   // the service's connection, "" while it is not on the bus
	reached readings // its latest readings
}

// readings are levels, by the property that says them.
type readings map[string]level

// level is how well the box can reach plex.tv. What is not known counts as away.
// When a level rises, another try is worth it.
type level int

const (
	away level = iota
	partly
	fully
)

// What a source may tell, as it is logged.
const (
	resumed = "the box has resumed from sleep"
	network = "the network is back"
)

func sources() []*source {
	return []*source{
		{ // org.freedesktop.login1(5), also of elogind
			name: "org.freedesktop.login1", path: "/org/freedesktop/login1",
			signal: "org.freedesktop.login1.Manager.PrepareForSleep", event: resumed, read: readSleep,
		},
		{ // NetworkManager's D-Bus reference
			name: "org.freedesktop.NetworkManager", path: "/org/freedesktop/NetworkManager",
			signal: "org.freedesktop.NetworkManager.StateChanged", event: network, read: readNetworkManager,
		},
		{ // org.freedesktop.network1(5)
			name: "org.freedesktop.network1", path: "/org/freedesktop/network1",
			signal: names.Properties + ".PropertiesChanged", about: "org.freedesktop.network1.Manager",
			event: network, read: readNetworkd,
		},
		{ // ConnMan's doc/manager-api.txt
			name: "net.connman", path: "/",
			signal: "net.connman.Manager.PropertyChanged", about: "State", event: network, read: readConnMan,
		},
	}
}

// rule is the match rule for that signal of the service.
func (s *source) rule() string {
	dot := strings.LastIndex(s.signal, ".")
	rule := "type='signal',sender='" + s.name + "',path='" + string(s.path) +
		"',interface='" + s.signal[:dot] + "',member='" + s.signal[dot+1:] + "'"
	if s.about != "" {
		rule += ",arg0='" + s.about + "'"
	}
	return rule
}

// ownerRule is the match rule for a new owner of the service's name.
func (s *source) ownerRule() string {
	return "type='signal',sender='" + names.DBus + "',interface='" + names.DBus + "'," +
		"member='NameOwnerChanged',arg0='" + s.name + "'"
}

// said reports whether the service sent the signal. The match rule does not keep
// others out: any process can send us a signal that looks the same.
func (s *source) said(signal *dbus.Signal) bool {
	about, _ := argument[string](signal.Body, 0)
	return s.owner != "" && signal.Sender == s.owner && signal.Path == s.path && signal.Name == s.signal &&
		(s.about == "" || about == s.about)
}

// better records what the service has said, and reports whether any level has
// risen.
func (s *source) better(now readings) bool {
	risen := false
	for about, level := range now {
		risen = risen || level > s.reached[about]
		s.reached[about] = level
	}
	return risen
}

// argument returns one value of a signal. Unlike [dbus.Store] it converts no other
// type.
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

// readNetworkManager reads an NMState. It goes from site to global once the person
// has logged in at a captive portal, so Connectivity is not needed.
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

// readNetworkd reads two properties. OnlineState, new in systemd 249, is about
// required links only, and may be online before there is a route to the internet.
// OperationalState is that of the best link.
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

// levelOf reads a state of networkd or ConnMan. An unknown one counts as away.
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
