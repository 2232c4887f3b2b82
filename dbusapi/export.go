// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// export returns all objects: ours, the one for the log level, and their ancestors,
// for tools that walk the tree.
func (s *Service) export() map[dbus.ObjectPath]object {
	own := object{names.Main: s.mainMembers(), names.Credentials: s.credentialMembers(), names.Home: s.homeMembers()}
	log := object{logControl: {}}
	own.addProperties(&propertyMembers{source: mainProperties{s.version}})
	log.addProperties(&propertyMembers{source: logProperties{s.logLevel, s.mustBeRoot}, fresh: true})
	objects := map[dbus.ObjectPath]object{names.Path: own, logControlPath: log}
	for _, below := range []string{names.Path, logControlPath} {
		for below != "/" {
			below = path.Dir(below)
			objects[dbus.ObjectPath(below)] = object{}
		}
	}
	for _, o := range objects {
		o[names.Introspectable] = members{"Introspect": {atOnce: s.introspect, long: true}}
		o[names.Peer] = members{"Ping": {atOnce: ping}, "GetMachineId": {atOnce: machineID}}
		for _, some := range o {
			for name, m := range some {
				m.name = name
				for _, in := range m.in {
					m.signature += in.signature
				}
			}
		}
	}
	return objects
}

func (o object) addProperties(p *propertyMembers) {
	p.object = o
	o[names.Properties] = p.members()
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

// introspect describes the object's interfaces and lists its children.
func (s *Service) introspect(_ *auth.Snapshot, j job) ([]any, error) {
	switch string(j.call.Path) {
	case names.Path:
		return []any{strings.Replace(names.XML, "</node>", propertiesXML+standardXML+"</node>", 1)}, nil
	case logControlPath:
		return []any{"<node>\n" + logControlXML + propertiesXML + standardXML + "</node>\n"}, nil
	}
	children := map[string]bool{}
	for path := range s.objects {
		if below, ok := strings.CutPrefix(string(path), strings.TrimSuffix(string(j.call.Path), "/")+"/"); ok && below != "" {
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

func ping(*auth.Snapshot, job) ([]any, error) { return nil, nil }

// machineID answers as the D-Bus specification asks, with the machine's id.
func machineID(*auth.Snapshot, job) ([]any, error) {
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		id, err = os.ReadFile("/var/lib/dbus/machine-id")
	}
	return single(strings.TrimSpace(string(id)), err)
}
