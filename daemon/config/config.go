// SPDX-License-Identifier: Apache-2.0

// Package config reads plexauthd's configuration file, which is TOML. Everything in
// it is optional. An unknown key or a wrong value is an error that names file, line
// and key.
package config

import (
	"log/slog"
	"time"

	"github.com/retune-tv/plexauthd/auth/status"
)

// DefaultPath is read when no other file is named, and may be missing.
const DefaultPath = "/etc/plexauthd/config.toml"

// Config is what plexauthd runs with.
type Config struct {
	// Identity is how plex.tv and the person who looks at the list of
	// authorized devices see this box.
	Identity Identity
	// Mode is how the daemon authenticates at plex.tv.
	Mode status.Mode
	// PlexURL is the base of all requests to plex.tv.
	PlexURL string
	// RequestTimeout bounds one request to plex.tv.
	RequestTimeout time.Duration
	// PollInterval is the time between two questions whether a PIN is claimed.
	PollInterval time.Duration
	// PairingTimeout is the longest time that a pairing stays open.
	PairingTimeout time.Duration
	// LogLevel is the lowest level that is logged.
	LogLevel slog.Level
}

// Identity holds the values of the X-Plex-Product, X-Plex-Version,
// X-Plex-Platform, X-Plex-Platform-Version, X-Plex-Device and
// X-Plex-Device-Name headers.
type Identity struct {
	Product, Version, Platform, PlatformVersion, Device, DeviceName string
}

// Changes returns the names of the settings that differ from old, such as
// pairing.timeout, in a fixed order.
func (c Config) Changes(old Config) []string {
	var names []string
	for _, s := range settings() {
		if !s.equal(&c, &old) {
			names = append(names, s.name)
		}
	}
	return names
}
