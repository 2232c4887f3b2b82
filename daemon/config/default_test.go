// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestPlatformVersion(t *testing.T) {
	const etc, usr = "etc/os-release", "usr/lib/os-release"
	for name, c := range map[string]struct{ file, text, want string }{
		"quoted":       {etc, "NAME=x\nVERSION_CODENAME=noble\nVERSION_ID=\"24.04\"\n", "24.04"},
		"bare":         {etc, "VERSION_ID=12", "12"},
		"second place": {usr, "VERSION_ID='9'\n", "9"},
		"code name":    {etc, "BUILD_ID=7\nVERSION_CODENAME=forky\n", "forky"},
		"rolling":      {etc, "BUILD_ID=rolling\n", "rolling"},
		"other key":    {etc, "BUILD_VERSION_ID=rolling\n", ""},
		"not readable": {etc, "VERSION_ID=1\x002\nBUILD_ID=7\n", "7"},
		"not UTF-8":    {etc, "VERSION_ID=\"12\xff\"\n", "12\ufffd"},
		"empty":        {etc, "VERSION_ID=\"\"\n", ""},
		"no file":      {"etc/hostname", "box\n", ""},
	} {
		root := t.TempDir()
		path := filepath.Join(root, c.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := platformVersion(os.DirFS(root)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestKernelRelease(t *testing.T) {
	out, err := exec.Command("uname", "-r").Output()
	if got := kernelRelease() + "\n"; err != nil || got != string(out) {
		t.Errorf("%q, want %q: %v", got, out, err)
	}
}

func TestDeviceName(t *testing.T) {
	for host, want := range map[string]string{"wohnzimmer": "wohnzimmer", "": "TV", "localhost": "TV", "(none)": "TV", "a\nb": "TV", "caf\xe9": "caf\ufffd", "tv\uffff": "tv\ufffd"} {
		if got := deviceName(host); got != want {
			t.Errorf("deviceName(%q) = %q, want %q", host, got, want)
		}
	}
}
