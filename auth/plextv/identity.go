// SPDX-License-Identifier: Apache-2.0

package plextv

import "github.com/retune-tv/plexauthd/auth/legible"

// Identity is what an installation tells plex.tv about itself. plex.tv needs
// ClientID and shows the rest to people under Authorized Devices. Any UTF-8
// text is allowed.
type Identity struct {
	ClientID, Product, Version, Platform, PlatformVersion, Device, DeviceName string
	// PlexURL is the only address, as in [Endpoint], to which questions with this
	// identity and what belongs to it may go; "" for any.
	PlexURL string
}

// Headers returns the X-Plex-* headers of all fields that are not empty, and
// Accept: application/json, without which plex.tv answers in XML. What cannot be
// sent in a header is replaced. It never has a token. The map is the caller's own.
func (id Identity) Headers() map[string]string {
	headers := map[string]string{"Accept": "application/json"}
	for name, value := range map[string]string{
		"X-Plex-Client-Identifier": id.ClientID,
		"X-Plex-Product":           id.Product,
		"X-Plex-Version":           id.Version,
		"X-Plex-Platform":          id.Platform,
		"X-Plex-Platform-Version":  id.PlatformVersion,
		"X-Plex-Device":            id.Device,
		"X-Plex-Device-Name":       id.DeviceName,
	} {
		if value = legible.Text(value); value != "" {
			headers[name] = value
		}
	}
	return headers
}
