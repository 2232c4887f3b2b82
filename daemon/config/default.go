// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/status"
)

// Default returns the configuration of a box without a configuration file.
// version is the daemon's own. The platform version is what os-release(5) has
// of VERSION_ID, VERSION_CODENAME and BUILD_ID, the first of them, or else the
// kernel's release; the device name is the host name.
func Default(version string) Config {
	// Without a host name deviceName has a fallback.
	host, _ := os.Hostname()
	return Config{
		Identity: Identity{
			Product:         "Retune",
			Version:         version,
			Platform:        "Linux",
			PlatformVersion: cmp.Or(platformVersion(os.DirFS("/")), kernelRelease()),
			Device:          "Set-top box",
			DeviceName:      deviceName(host),
		},
		Mode:           status.ModeLegacy,
		PlexURL:        "https://plex.tv",
		RequestTimeout: 10 * time.Second,
		PollInterval:   time.Second,
		PairingTimeout: 5 * time.Minute,
		LogLevel:       slog.LevelInfo,
	}
}

// deviceName is host, unless it is one of the names of a machine that nobody
// has named: then a list of devices says more with "TV".
func deviceName(host string) string {
	if host = readable(host); host == "" || host == "localhost" || host == "(none)" {
		return "TV"
	}
	return host
}

// platformVersion reads the version of the operating system whose root
// directory is root. It is "" if os-release has none.
func platformVersion(root fs.FS) string {
	release, err := fs.ReadFile(root, "etc/os-release")
	if err != nil {
		// os-release(5) names this as the second place to look.
		release, _ = fs.ReadFile(root, "usr/lib/os-release")
	}
	values := make(map[string]string)
	for line := range strings.Lines(string(release)) {
		key, value, _ := strings.Cut(line, "=")
		values[key] = readable(strings.Trim(strings.TrimSpace(value), `"'`))
	}
	// A distribution without releases has no VERSION_ID.
	return cmp.Or(values["VERSION_ID"], values["VERSION_CODENAME"], values["BUILD_ID"])
}

// kernelRelease asks the kernel itself: the service sees no /proc/sys.
func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return readable(unix.ByteSliceToString(name.Release[:]))
}

// readable is what can be sent of a text from the system, which need not be UTF-8,
// without the white space around it; "" if it has control characters.
func readable(text string) string {
	if text = strings.TrimSpace(text); strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return strings.TrimSpace(legible.Text(text))
}
