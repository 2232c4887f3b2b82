// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// HomeUser is a user of the account's Plex Home.
type HomeUser struct {
	UUID       string `json:"uuid"` // as [User].UUID
	Title      string `json:"title"`
	Thumb      string `json:"thumb"`      // address of the avatar
	Admin      bool   `json:"admin"`      // runs the home
	Guest      bool   `json:"guest"`      // its guest
	Restricted bool   `json:"restricted"` // a managed user
	Protected  bool   `json:"protected"`  // SwitchUser wants the user's PIN
}

// HomeUsers lists the users of the Plex Home, as plex.tv knows them now.
// [AuthRequired] when nobody is signed in.
func (c *Client) HomeUsers(ctx context.Context) ([]HomeUser, error) {
	var list []map[string]dbus.Variant
	err := c.call(ctx, names.Home, "ListUsers", nil, &list)
	users := make([]HomeUser, 0, len(list))
	for _, values := range list {
		var u HomeUser
		for key, field := range map[string]any{
			"uuid": &u.UUID, "title": &u.Title, "thumb": &u.Thumb, "admin": &u.Admin,
			"guest": &u.Guest, "restricted": &u.Restricted, "protected": &u.Protected,
		} {
			read(values, key, field)
		}
		users = append(users, u)
	}
	return users, err
}

// SwitchUser lets a user of the Plex Home use the box; pin is zero for one who is
// not protected. The errors are [AuthRequired], [NotFound], [PinRejected] for a
// wrong or missing PIN, [RateLimited] after too many of them, and those of
// asking plex.tv.
func (c *Client) SwitchUser(ctx context.Context, uuid string, pin secret.String) error {
	return c.call(ctx, names.Home, "SwitchUser", []any{uuid, pin.Reveal()})
}
