// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/daemon/config"
)

func settingsOf(c config.Config, plex plextv.Endpoint) auth.Settings {
	return auth.Settings{
		Mode: c.Mode,
		Identity: plextv.Identity{
			Product: c.Identity.Product, Version: c.Identity.Version,
			Platform: c.Identity.Platform, PlatformVersion: c.Identity.PlatformVersion,
			Device: c.Identity.Device, DeviceName: c.Identity.DeviceName,
			PlexURL: plex.URL,
		},
		PollInterval:   c.PollInterval,
		PairingTimeout: c.PairingTimeout,
	}
}
