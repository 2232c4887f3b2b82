// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"log/slog"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const logControl = "org.freedesktop.LogControl1"

// logControl calls a method of Properties at the object for the log level.
func (c *client) logControl(member string, args ...any) reply {
	object := c.conn.Object(names.Bus, "/org/freedesktop/LogControl1")
	return reply{object.CallWithContext(c.ctx, properties+"."+member, 0, args...), c.t}
}

func TestLogControl(t *testing.T) {
	level := new(slog.LevelVar)
	b := newBox(t, setup{logLevel: level})
	c := b.client()
	for set, want := range map[slog.Level]string{
		slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warning", slog.LevelError: "err", slog.LevelError + 4: "err",
	} {
		level.Set(set)
		var got dbus.Variant
		if c.logControl("Get", logControl, "LogLevel").gives("v", &got); got.Value() != want {
			t.Errorf("LogLevel at %v is %v, want %s", set, got, want)
		}
	}
	var all map[string]dbus.Variant
	c.logControl("GetAll", logControl).gives("a{sv}", &all)
	if len(all) != 3 || all["SyslogIdentifier"].Value() != "plexauthd" {
		t.Errorf("GetAll gave %v", all)
	}
	c.logControl("Get", names.Main, "State").isError(names.ErrUnknownInterface)
	c.logControl("Set", logControl, "LogFile", dbus.MakeVariant("x")).isError(names.ErrUnknownProperty)
}
