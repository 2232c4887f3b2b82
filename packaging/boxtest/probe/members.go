// SPDX-License-Identifier: Apache-2.0

//go:build rig

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// member is a call that leaves a box without an account as it was, but for a
// pairing that RequestPin starts.
type member struct {
	// name begins with the object and a colon if it is not the usual one, and ends
	// in words that distinguish calls of the same member.
	name string
	args []any
}

// members is everything that can be called, in the order in which it is.
var members = []member{
	{"org.freedesktop.DBus.Introspectable.Introspect", nil},
	{"org.freedesktop.DBus.Peer.Ping", nil},
	{"org.freedesktop.DBus.Peer.GetMachineId", nil},
	{"org.freedesktop.DBus.Properties.Get", []any{names.Main, "State"}},
	{"org.freedesktop.DBus.Properties.GetAll", []any{names.Main}},
	{"org.freedesktop.DBus.Properties.GetAll of Credentials", []any{names.Credentials}},
	{"org.freedesktop.DBus.Properties.Set", []any{names.Main, "State", dbus.MakeVariant("signed-in")}},

	{names.Main + ".RequestPin", nil},
	{names.Main + ".RequestPinWithOptions", []any{map[string]dbus.Variant{"colour": dbus.MakeVariant("red")}}},
	{names.Main + ".CheckPinStatus", []any{uint64(1 << 60)}},
	{names.Main + ".CancelPin", []any{uint64(1 << 60)}},
	{names.Main + ".GetPinQR", []any{"gif", uint32(0)}},
	{names.Main + ".GetPlexEndpoint", nil},
	{names.Main + ".Validate", nil},

	{names.Credentials + ".GetToken", nil},
	{names.Credentials + ".GetCurrentUser", nil},
	{names.Credentials + ".GetAuthHeaders", nil},
	{names.Credentials + ".GetStoredCredentials", nil},
	{names.Credentials + ".StoreCredentials", []any{map[string]dbus.Variant{}}},
	{names.Credentials + ".ValidateToken", []any{"nobody's"}},
	{names.Credentials + ".ClearCredentials", nil},
	{names.Credentials + ".SignOut", nil},
	{names.Credentials + ".SelectServer", []any{"machine", "http://127.0.0.1:32400"}},
	{names.Credentials + ".ListServers", nil},
	{names.Credentials + ".GetServerHeaders", []any{"machine"}},
	{names.Credentials + ".RenewServerHeaders", []any{"machine"}},

	{names.Home + ".ListUsers", nil},
	{names.Home + ".SwitchUser", []any{"user", ""}},

	{logControl + ": org.freedesktop.DBus.Introspectable.Introspect", nil},
	{logControl + ": org.freedesktop.DBus.Peer.Ping", nil},
	{logControl + ": org.freedesktop.DBus.Peer.GetMachineId", nil},
	{logControl + ": org.freedesktop.DBus.Properties.Get", []any{logControl, "LogLevel"}},
	{logControl + ": org.freedesktop.DBus.Properties.GetAll", []any{logControl}},
	{logControl + ": org.freedesktop.DBus.Properties.Set", []any{logControl, "LogLevel", dbus.MakeVariant("info")}},
	{logControl + ": org.freedesktop.DBus.Properties.Set of LogTarget", []any{logControl, "LogTarget", dbus.MakeVariant("console")}},
}

// logControl is the interface, on an object of its own, that systemctl
// service-log-level uses.
const logControl = "org.freedesktop.LogControl1"

// on gives the object that has the member, and what the member is called there.
func (m member) on(conn *dbus.Conn) (object dbus.BusObject, name string) {
	name, path := m.name, dbus.ObjectPath(names.Path)
	if own, ok := strings.CutPrefix(name, logControl+": "); ok {
		name, path = own, "/org/freedesktop/LogControl1"
	}
	name, _, _ = strings.Cut(name, " of ")
	return conn.Object(names.Bus, path), name
}

// callMembers prints, for each member, its name and the name of the error that
// it answered with, or "ok".
func callMembers() error {
	conn, _, err := connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, m := range members {
		object, name := m.on(conn)
		err := object.Call(name, 0, m.args...).Err
		answer := "ok"
		var named dbus.Error
		switch {
		case errors.As(err, &named):
			answer = named.Name
		case err != nil:
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Println(m.name, answer)
	}
	return nil
}

// vanish calls each member from a connection that is gone at once. It prints
// the bus's name of the connection and the name of the member.
func vanish() error {
	for _, m := range members {
		conn, _, err := connect()
		if err != nil {
			return err
		}
		object, name := m.on(conn)
		object.Go(name, dbus.FlagNoReplyExpected, nil, m.args...)
		fmt.Println(conn.Names()[0], m.name)
		if err := conn.Close(); err != nil {
			return err
		}
	}
	return nil
}
