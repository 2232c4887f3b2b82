// SPDX-License-Identifier: Apache-2.0

//go:build rig

package main

import (
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// flood sends n descriptors in signals to each connection that a process has on
// the bus, and tells how many connections that were.
func flood(process, n int) error {
	const each = 10 // in one signal
	conn, _, err := connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	found, err := connectionsOf(conn, uint32(process))
	if err != nil {
		return err
	}
	fds := make([]dbus.UnixFD, each)
	for range n / each {
		for _, name := range found {
			if err := send(conn, name, fds); err != nil {
				return err
			}
		}
		// The bus takes only as much from us as it can deliver.
		if err := conn.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
			return err
		}
	}
	fmt.Println(len(found))
	return nil
}

func connectionsOf(conn *dbus.Conn, process uint32) (found []string, err error) {
	var all []string
	if err := conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&all); err != nil {
		return nil, err
	}
	for _, name := range all {
		var pid uint32
		err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid)
		if err == nil && pid == process && name[0] == ':' {
			found = append(found, name)
		}
	}
	return found, nil
}

func send(conn *dbus.Conn, to string, fds []dbus.UnixFD) error {
	return conn.Send(&dbus.Message{Type: dbus.TypeSignal, Body: []any{fds}, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(names.Path)),
		dbus.FieldInterface:   dbus.MakeVariant("x.y"),
		dbus.FieldMember:      dbus.MakeVariant("Unasked"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(fds)),
	}}, nil).Err
}
