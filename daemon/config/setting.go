// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/status"
	"github.com/retune-tv/plexauthd/systemd"
)

// setting is one key of the file. All of them are written as TOML strings.
type setting struct {
	name  string // table.key
	set   func(c *Config, text string) error
	equal func(a, b *Config) bool
}

func newSetting[T comparable](name string, parse func(string) (T, error), field func(*Config) *T) setting {
	return setting{
		name: name,
		set: func(c *Config, text string) error {
			value, err := parse(text)
			if err != nil {
				return err
			}
			*field(c) = value
			return nil
		},
		equal: func(a, b *Config) bool { return *field(a) == *field(b) },
	}
}

const (
	pollInterval   = "pairing.poll_interval"
	pairingTimeout = "pairing.timeout"
)

// settings returns all keys that the file can set.
func settings() []setting {
	return []setting{
		newSetting("identity.product", headerText, func(c *Config) *string { return &c.Identity.Product }),
		newSetting("identity.version", headerText, func(c *Config) *string { return &c.Identity.Version }),
		newSetting("identity.platform", headerText, func(c *Config) *string { return &c.Identity.Platform }),
		newSetting("identity.platform_version", headerText, func(c *Config) *string { return &c.Identity.PlatformVersion }),
		newSetting("identity.device", headerText, func(c *Config) *string { return &c.Identity.Device }),
		newSetting("identity.device_name", headerText, func(c *Config) *string { return &c.Identity.DeviceName }),
		newSetting("auth.mode", mode, func(c *Config) *status.Mode { return &c.Mode }),
		newSetting("plex.url", plexURL, func(c *Config) *string { return &c.PlexURL }),
		newSetting("plex.request_timeout", within(time.Second, time.Minute), func(c *Config) *time.Duration { return &c.RequestTimeout }),
		newSetting(pollInterval, within(100*time.Millisecond, time.Minute), func(c *Config) *time.Duration { return &c.PollInterval }),
		newSetting(pairingTimeout, within(10*time.Second, 30*time.Minute), func(c *Config) *time.Duration { return &c.PairingTimeout }),
		newSetting("log.level", level, func(c *Config) *slog.Level { return &c.LogLevel }),
	}
}

// keysIn returns the keys that belong in table, none if it is unknown.
func keysIn(table string) []string {
	var keys []string
	for _, s := range settings() {
		if key, belongs := strings.CutPrefix(s.name, table+"."); belongs {
			keys = append(keys, key)
		}
	}
	return keys
}

// headerText accepts what can be the value of an HTTP header and a string on
// D-Bus.
func headerText(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errors.New("is empty; want a text, or no such line for the default")
	}
	if !legible.IsText(text) {
		return "", errors.New("has a control character or noncharacter; want a text without line breaks, tabs and the like")
	}
	return text, nil
}

func mode(text string) (status.Mode, error) {
	switch m := status.Mode(text); m {
	case status.ModeLegacy, status.ModeJWT:
		return m, nil
	}
	return "", errors.New(`is not a mode; want "legacy" or "jwt"`)
}

func level(text string) (slog.Level, error) {
	l, err := systemd.ParseLevel(text)
	if err != nil {
		return 0, errors.New(`is not a log level; want "debug", "info", "warning" or "error"`)
	}
	return l, nil
}

// within accepts durations from low to high.
func within(low, high time.Duration) func(string) (time.Duration, error) {
	return func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fmt.Errorf("is not a duration; want a number with a unit from %q to %q", low, high)
		}
		if d < low || d > high {
			return 0, fmt.Errorf("is out of range; want a duration from %q to %q", low, high)
		}
		return d, nil
	}
}

// plexURL accepts what can replace https://plex.tv. Its errors do not repeat
// the URL, which may hold a password.
func plexURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !validPort(u):
		return "", errors.New("is not a URL with a host; want one like https://plex.tv")
	case u.User != nil || strings.ContainsAny(text, "?#") || u.Path != "" && u.Path != "/":
		return "", errors.New("has more than scheme, host and port; want one like https://plex.tv")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return text, nil
	}
	return "", errors.New("is not safe for a token; want https, or http to this machine itself (localhost, 127.0.0.1, ::1)")
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return true
	}
	_, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
