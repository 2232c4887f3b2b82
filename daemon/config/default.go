package config

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Default returns the configuration of a box without a configuration file.
// version is the daemon's own. The platform version is VERSION_ID of
// os-release(5), or the kernel's release where there is none; the device name
// is the host name.
func Default(version string) Config {
	// Without a host name the fallback serves.
	host, _ := os.Hostname()
	return Config{
		Identity: Identity{
			Product:         "Retune",
			Version:         version,
			Platform:        "Linux",
			PlatformVersion: platformVersion(os.DirFS("/")),
			Device:          "Set-top box",
			DeviceName:      deviceName(host),
		},
		Mode:           "legacy",
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
	if _, err := headerText(host); err != nil || host == "localhost" || host == "(none)" {
		return "TV"
	}
	return host
}

// platformVersion reads the version of the operating system whose root
// directory is root. It is "" if nothing there tells.
func platformVersion(root fs.FS) string {
	release, err := fs.ReadFile(root, "etc/os-release")
	if err != nil {
		// os-release(5) names this as the second place to look.
		release, _ = fs.ReadFile(root, "usr/lib/os-release")
	}
	kernel, _ := fs.ReadFile(root, "proc/sys/kernel/osrelease")
	return cmp.Or(versionID(string(release)), readable(string(kernel)))
}

// versionID finds VERSION_ID in the text of an os-release file.
func versionID(release string) string {
	for line := range strings.Lines(release) {
		if value, found := strings.CutPrefix(line, "VERSION_ID="); found {
			return readable(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return ""
}

// readable is text without the white space around it, or "" if it cannot be
// the value of a header.
func readable(text string) string {
	value, err := headerText(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return value
}
