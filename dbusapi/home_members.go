// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// homeMembers are the methods of tv.retune.PlexAuth1.Home.
func (s *Service) homeMembers() members {
	return members{
		"ListUsers":  {action: manage, asksPlex: true, run: s.listUsers},
		"SwitchUser": {action: manage, asksPlex: true, in: []arg{{"uuid", "s"}, {"pin", "s"}}, run: s.switchUser},
	}
}

func (s *Service) listUsers(ctx context.Context, _ job) ([]any, error) {
	users, err := s.account.ListUsers(ctx)
	list := []map[string]dbus.Variant{}
	for _, user := range users {
		list = append(list, map[string]dbus.Variant{
			"uuid":       dbus.MakeVariant(user.UUID),
			"title":      dbus.MakeVariant(user.Title),
			"thumb":      dbus.MakeVariant(user.Thumb),
			"admin":      dbus.MakeVariant(user.Admin),
			"guest":      dbus.MakeVariant(user.Guest),
			"restricted": dbus.MakeVariant(user.Restricted),
			"protected":  dbus.MakeVariant(user.Protected),
		})
	}
	return single(list, err)
}

func (s *Service) switchUser(ctx context.Context, j job) ([]any, error) {
	return nil, s.account.SwitchUser(ctx, j.args[0].(string), secret.New(j.args[1].(string)))
}
