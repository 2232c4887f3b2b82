package dbusapi

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const (
	introspectable = "org.freedesktop.DBus.Introspectable"
	peer           = "org.freedesktop.DBus.Peer"
	ownPeer        = "peer" // no caller can name it: an interface has a dot
)

// export lays out all objects: ours, the one for the log level, and their
// ancestors for tools that walk the tree.
func (s *Service) export() map[dbus.ObjectPath]object {
	own := object{names.Main: s.mainMembers(), names.Credentials: s.credentialMembers(), names.Home: s.homeMembers()}
	log := object{logControl: {}}
	own.addProperties(mainProperties{s})
	log.addProperties(logProperties{s.logLevel, func() *gate { return s.gate }})
	objects := map[dbus.ObjectPath]object{names.Path: own, logControlPath: log}
	for _, below := range []string{names.Path, logControlPath} {
		for below != "/" {
			below = path.Dir(below)
			objects[dbus.ObjectPath(below)] = object{}
		}
	}
	for _, o := range objects {
		o[introspectable] = members{"Introspect": {run: s.introspect}}
		o[ownPeer] = members{"Ping": {run: ping}, "GetMachineId": {run: machineID}}
		for _, some := range o {
			for name, m := range some {
				m.name, m.service = name, s
			}
		}
	}
	return objects
}

func (o object) addProperties(source propertySource) {
	o[propertiesInterface] = (&propertyMembers{o, source}).members()
}

// standardXML describes the interfaces that every object of D-Bus has.
const standardXML = `  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect">
      <arg name="xml_data" type="s" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId">
      <arg name="machine_uuid" type="s" direction="out"/>
    </method>
  </interface>
`

const propertiesXML = `  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="GetAll">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="properties" type="a{sv}" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <signal name="PropertiesChanged">
      <arg name="interface_name" type="s"/>
      <arg name="changed_properties" type="a{sv}"/>
      <arg name="invalidated_properties" type="as"/>
    </signal>
  </interface>
`

// introspect answers with what the object has and which objects lie below it.
func (s *Service) introspect(_ context.Context, c *call) ([]any, error) {
	switch c.path {
	case names.Path:
		return []any{strings.Replace(names.XML, "</node>", propertiesXML+standardXML+"</node>", 1)}, nil
	case logControlPath:
		return []any{"<node>\n" + logControlXML + propertiesXML + standardXML + "</node>\n"}, nil
	}
	children := map[string]bool{}
	for path := range s.objects {
		if below, ok := strings.CutPrefix(string(path), strings.TrimSuffix(string(c.path), "/")+"/"); ok && below != "" {
			child, _, _ := strings.Cut(below, "/")
			children[child] = true
		}
	}
	xml := "<node>\n" + standardXML
	for _, child := range slices.Sorted(maps.Keys(children)) {
		xml += fmt.Sprintf("  <node name=%q/>\n", child)
	}
	return []any{xml + "</node>\n"}, nil
}

func ping(context.Context, *call) ([]any, error) { return nil, nil }

// machineID answers as the D-Bus specification asks, with the machine's id.
func machineID(context.Context, *call) ([]any, error) {
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		id, err = os.ReadFile("/var/lib/dbus/machine-id")
	}
	return single(strings.TrimSpace(string(id)), err)
}

// redirectPeer has calls to Peer handled by us: godbus, which takes them by
// their name, answers GetMachineId with the connection's id. By the D-Bus
// specification the path of such a call does not matter.
func redirectPeer(msg *dbus.Message) {
	iface, _ := msg.Headers[dbus.FieldInterface].Value().(string)
	if msg.Type == dbus.TypeMethodCall && iface == peer {
		msg.Headers[dbus.FieldInterface] = dbus.MakeVariant(ownPeer)
		msg.Headers[dbus.FieldPath] = dbus.MakeVariant(dbus.ObjectPath("/"))
	}
}

// nameUnknownObject gives godbus's error for a path without an object the name
// that the D-Bus specification has for it.
func nameUnknownObject(msg *dbus.Message) {
	name, _ := msg.Headers[dbus.FieldErrorName].Value().(string)
	if name == dbus.ErrMsgNoObject.Name {
		msg.Headers[dbus.FieldErrorName] = dbus.MakeVariant(names.ErrUnknownObject)
	}
}
