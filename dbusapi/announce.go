// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// announcer turns events into signals, in this order: one PropertiesChanged
// with all that changed, then AuthChanged, then PinEnded.
func (s *Service) announcer() func(auth.Event) {
	var before *properties
	return func(e auth.Event) {
		now := propertiesOf(e.Snapshot, s.version)
		if before == nil {
			before = &now // the account as it was before anybody could ask
			return
		}
		if changed := now.changes(*before); len(changed) > 0 {
			s.emit(propertiesInterface+".PropertiesChanged", names.Main, changed, []string{})
		}
		before = &now
		if e.Auth != nil {
			details := map[string]dbus.Variant{"reason": dbus.MakeVariant(string(e.Auth.Reason))}
			s.emit(names.Main+".AuthChanged", e.Auth.Authenticated, details)
		}
		if e.PinEnd != nil {
			s.emit(names.Main+".PinEnded", e.PinEnd.ID, string(e.PinEnd.Result))
		}
	}
}

func (s *Service) emit(signal string, values ...any) {
	if err := s.conn.Emit(names.Path, signal, values...); err != nil {
		s.log.Warn("a signal could not be sent", "signal", signal, "error", err)
	}
}
