package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlatformVersion(t *testing.T) {
	const kernel = "proc/sys/kernel/osrelease"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"quoted":       {map[string]string{"etc/os-release": "NAME=x\nVERSION_ID=\"24.04\"\n", kernel: "6.1\n"}, "24.04"},
		"bare":         {map[string]string{"etc/os-release": "VERSION_ID=12", kernel: "6.1\n"}, "12"},
		"second place": {map[string]string{"usr/lib/os-release": "VERSION_ID='9'\n", kernel: "6.1\n"}, "9"},
		"rolling":      {map[string]string{"etc/os-release": "BUILD_VERSION_ID=rolling\n", kernel: "6.1-x\n"}, "6.1-x"},
		"not readable": {map[string]string{"etc/os-release": "VERSION_ID=1\x002\n", kernel: "6.1\n"}, "6.1"},
		"empty":        {map[string]string{"etc/os-release": "VERSION_ID=\"\"\n", kernel: "6.1\n"}, "6.1"},
		"nothing":      {nil, ""},
	} {
		root := t.TempDir()
		for path, text := range c.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := platformVersion(os.DirFS(root)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestDeviceName(t *testing.T) {
	for host, want := range map[string]string{"wohnzimmer": "wohnzimmer", "": "TV", "localhost": "TV", "(none)": "TV", "a\nb": "TV"} {
		if got := deviceName(host); got != want {
			t.Errorf("deviceName(%q) = %q, want %q", host, got, want)
		}
	}
}
