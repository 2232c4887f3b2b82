package dbusapi

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const (
	introspectable = "org.freedesktop.DBus.Introspectable"
	peer           = "org.freedesktop.DBus.Peer"
	ownPeer        = "peer" // no caller can name it: an interface has a dot
)

// export lays out all objects: ours, and its ancestors for tools that walk the tree.
func (s *Service) export() map[dbus.ObjectPath]object {
	objects := map[dbus.ObjectPath]object{
		names.Path: {
			names.Main:          s.mainMembers(),
			names.Credentials:   s.credentialMembers(),
			propertiesInterface: s.propertyMembers(),
		},
	}
	for _, ancestor := range []dbus.ObjectPath{"/", "/tv", "/tv/retune"} {
		objects[ancestor] = object{}
	}
	for _, o := range objects {
		o[introspectable] = members{"Introspect": {run: introspect}}
		o[ownPeer] = members{"Ping": {run: ping}, "GetMachineId": {run: machineID}}
		for _, some := range o {
			for name, m := range some {
				m.name, m.service = name, s
			}
		}
	}
	return objects
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

// introspect answers with our documented file, or with the next step on the
// way to our object.
func introspect(_ context.Context, c *call) ([]any, error) {
	if c.path == names.Path {
		return []any{strings.Replace(names.XML, "</node>", propertiesXML+standardXML+"</node>", 1)}, nil
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(names.Path, string(c.path)), "/")
	next, _, _ := strings.Cut(rest, "/")
	return []any{fmt.Sprintf("<node>\n%s  <node name=%q/>\n</node>\n", standardXML, next)}, nil
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
// their name, answers GetMachineId with the connection's id.
func redirectPeer(msg *dbus.Message) {
	iface, _ := msg.Headers[dbus.FieldInterface].Value().(string)
	if msg.Type == dbus.TypeMethodCall && iface == peer {
		msg.Headers[dbus.FieldInterface] = dbus.MakeVariant(ownPeer)
	}
}
