// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// Whatever lies at the place of the media servers, the daemon starts, says so once and
// asks plex.tv.
func TestMediaServersThatCannotBeReadCostOneLine(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := filepath.Join(filepath.Dir(b.State), "servers.toml")
	process := b.Start()
	w := b.Watch(t.Context())
	w.SignIn(b.Sim.AddUser(plextvsim.User{Resources: plextvsim.SampleResources()}))
	listed := func() {
		t.Helper()
		servers, err := w.Servers(t.Context())
		if err != nil || len(servers) == 0 {
			t.Fatalf("%d servers, %v", len(servers), err)
		}
	}
	listed()
	for what, put := range map[string]func() error{
		"directory": func() error { return os.Mkdir(path, 0o700) },
		"FIFO":      func() error { return syscall.Mkfifo(path, 0o600) },
		"2 MiB":     func() error { return os.WriteFile(path, make([]byte, 2<<20), 0o600) },
	} {
		process.Stop()
		if err := errors.Join(os.Remove(path), put()); err != nil {
			t.Fatal(err)
		}
		before := strings.Count(b.Printed.String(), "the list of media servers cannot be read or kept")
		process = b.Start()
		listed()
		listed()
		if n := strings.Count(b.Printed.String(), "the list of media servers cannot be read or kept") - before; n != 1 {
			t.Errorf("%s: said %d times", what, n)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 && what != "directory" {
			t.Errorf("%s: it is %v then, %v", what, info.Mode(), err)
		}
	}
}
