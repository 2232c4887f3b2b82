// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"log/slog"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
)

// Where systemctl service-log-level finds the log level of a service:
// org.freedesktop.LogControl1(5).
const (
	logControlPath = "/org/freedesktop/LogControl1"
	logControl     = "org.freedesktop.LogControl1"
)

const logControlXML = `  <interface name="org.freedesktop.LogControl1">
    <property name="LogLevel" type="s" access="readwrite">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
    </property>
    <property name="LogTarget" type="s" access="readwrite">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
    </property>
    <property name="SyslogIdentifier" type="s" access="read">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
    </property>
  </interface>
`

// syslogLevels are the levels of syslog(3), from the most to the least verbose,
// with the level that each sets here.
var syslogLevels = []struct {
	name  string
	level slog.Level
}{
	{"debug", slog.LevelDebug},
	{"info", slog.LevelInfo},
	{"notice", slog.LevelInfo},
	{"warning", slog.LevelWarn},
	{"err", slog.LevelError},
	{"crit", slog.LevelError},
	{"alert", slog.LevelError},
	{"emerg", slog.LevelError},
}

// logProperties let root change the log level while the daemon runs.
type logProperties struct {
	level      *slog.LevelVar
	mustBeRoot func(caller []byte) error
}

func (p logProperties) values(_ *auth.Snapshot, iface string) map[string]any {
	if iface != logControl {
		return nil
	}
	return map[string]any{"LogLevel": p.name(), "LogTarget": "auto", "SyslogIdentifier": "plexauthd"}
}

func (p logProperties) name() string {
	for _, l := range syslogLevels {
		if l.level >= p.level.Level() {
			return l.name
		}
	}
	return "err"
}

func (p logProperties) set(j job, name string, value dbus.Variant) error {
	if err := p.mustBeRoot(j.call.Sender); err != nil {
		return err
	}
	if name != "LogLevel" {
		// The target follows from standard error and does not change.
		return readOnly(name)
	}
	text, ok := value.Value().(string)
	for _, l := range syslogLevels {
		if ok && l.name == text {
			p.level.Set(l.level)
			return nil
		}
	}
	return invalidArg("value", "is not a level of syslog, such as debug, info, warning or err")
}
