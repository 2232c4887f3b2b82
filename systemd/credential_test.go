// SPDX-License-Identifier: Apache-2.0

package systemd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/systemd"
)

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": "k\n\x00", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // where an empty directory name would lead
	for _, c := range []struct {
		dir, name, value string
		says             string // of the error
	}{
		{dir, "good", "k\n\x00", ""},
		{dir, "absent", "", ""},
		{"", "good", "", ""},
		{filepath.Join(dir, "none"), "good", "", ""},
		{dir, "empty", "", "is empty"},
		{dir, "directory", "", "is a directory"},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", c.dir)
		value, found, err := systemd.Credential(c.name)
		if !value.Equal(secret.New(c.value)) || found != (c.value != "") {
			t.Errorf("%s in %q: found %v, %q", c.name, c.dir, found, value.Reveal())
		}
		if (err != nil) != (c.says != "") {
			t.Errorf("%s in %q: %v", c.name, c.dir, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), filepath.Join(dir, c.name))) {
			t.Errorf("%s: %v does not say %q and the path", c.name, err, c.says)
		}
	}
}
