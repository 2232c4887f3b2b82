//go:build box

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
	name string // after the object and a colon if it is not the usual one
	args []any
}

// members is everything that can be called, in the order in which it is.
var members = []member{
	{"org.freedesktop.DBus.Introspectable.Introspect", nil},
	{"org.freedesktop.DBus.Peer.Ping", nil},
	{"org.freedesktop.DBus.Properties.Get", []any{names.Main, "State"}},
	{"org.freedesktop.DBus.Properties.GetAll", []any{names.Main}},
	{"org.freedesktop.DBus.Properties.Set", []any{names.Main, "State", dbus.MakeVariant("signed-in")}},

	{names.Main + ".RequestPin", nil},
	{names.Main + ".RequestPinWithOptions", []any{map[string]dbus.Variant{"colour": dbus.MakeVariant("red")}}},
	{names.Main + ".CheckPinStatus", []any{uint64(1 << 60)}},
	{names.Main + ".CancelPin", []any{uint64(1 << 60)}},
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

	{logControl + ": org.freedesktop.DBus.Properties.Get", []any{logControl, "LogLevel"}},
	{logControl + ": org.freedesktop.DBus.Properties.Set", []any{logControl, "LogLevel", dbus.MakeVariant("info")}},
}

// logControl is the interface, on an object of its own, that systemctl
// service-log-level uses.
const logControl = "org.freedesktop.LogControl1"

// callMembers prints, for each member, its name and the name of the error that
// it answered with, or "ok".
func callMembers() error {
	conn, plex, err := connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, m := range members {
		object, name := plex, m.name
		if own, ok := strings.CutPrefix(name, logControl+": "); ok {
			object, name = conn.Object(names.Bus, "/org/freedesktop/LogControl1"), own
		}
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
