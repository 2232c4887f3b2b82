// SPDX-License-Identifier: Apache-2.0

//go:build root

package statefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

const mountedByItself = "mounted by itself and cannot be replaced; mount its directory instead"

// mounted runs what uses the box's file while another one is bind-mounted over it, on
// a thread with mounts of its own.
func (b box) mounted(text string, run func()) {
	b.Helper()
	source := filepath.Join(b.TempDir(), "elsewhere.toml")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	b.write("")
	done := make(chan error)
	go func() {
		// Never unlocked: the thread and its mounts end with the goroutine.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount(source, b.path, "", unix.MS_BIND, "")
		}
		if err == nil {
			run()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if kept, err := os.ReadFile(source); err != nil || string(kept) != text {
		b.Errorf("what is mounted became %q (%v)", kept, err)
	}
}

func TestAFileThatIsAMountOfItsOwn(t *testing.T) {
	b := newBox(t, "")
	b.mounted(full, func() {
		if _, err := b.Load(); err != nil {
			t.Errorf("Load: %v", err)
		}
		var failed *statefile.WriteError
		if err := b.Save(signedOut()); !errors.As(err, &failed) || !strings.Contains(err.Error(), mountedByItself) {
			t.Errorf("Save: %v", err)
		}
	})
	b.mounted("not TOML", func() {
		var corrupt *statefile.CorruptError
		if _, err := b.Load(); !errors.As(err, &corrupt) || corrupt.SetAside != "" || !strings.Contains(err.Error(), mountedByItself) {
			t.Errorf("Load of a corrupt file: %v", err)
		}
	})
}
