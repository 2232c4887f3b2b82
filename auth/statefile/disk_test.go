// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

func (b box) wantMode(path string, want fs.FileMode) {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		b.Errorf("the mode of %s is %o, want %o", path, got, want)
	}
}

func TestNobodyElseMayRead(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		b := newBox(t, "")
		old := syscall.Umask(umask)
		err := b.Save(fullState())
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %o: %v", umask, err)
		}
		b.wantMode(b.path, 0o600)
	}
}

func TestLoadTightensTheMode(t *testing.T) {
	for _, text := range []string{full, "corrupt"} {
		b := newBox(t, text)
		if err := os.Chmod(b.path, 0o644); err != nil {
			t.Fatal(err)
		}
		path := b.path
		var corrupt *statefile.CorruptError
		if _, err := b.Load(); errors.As(err, &corrupt) {
			path = corrupt.SetAside
		}
		b.wantMode(path, 0o600)
	}
}

func TestMissingDirectoriesAreMade(t *testing.T) {
	b := newBox(t, "")
	b.path = filepath.Join(b.dir, "one", "two", "state.toml")
	b.File = statefile.Open(b.path, clockwork.NewFakeClock())
	b.wantState(statefile.State{})
	b.save(fullState())
	b.wantMode(filepath.Dir(b.path), 0o700)
	b.wantMode(filepath.Dir(filepath.Dir(b.path)), 0o700)
	b.wantState(fullState())
}

func TestLoadRemovesStaleTemporaries(t *testing.T) {
	b := newBox(t, full)
	for _, name := range []string{".state.toml5577006791947779410", ".state.toml.orig81", ".state.toml", ".state.toml8x", "state.toml.9"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.wantState(fullState())
	b.wantFiles(".state.toml", ".state.toml8x", "state.toml", "state.toml.9")
}

// longName is a box whose file's name leaves no room for the names of
// temporary and corrupt files: even root cannot create those.
func longName(t *testing.T, text string) box {
	b := newBox(t, "")
	b.path = filepath.Join(b.dir, strings.Repeat("n", 250))
	b.File = statefile.Open(b.path, clockwork.NewFakeClock())
	b.write(text)
	return b
}

func TestWhatCannotBeWritten(t *testing.T) {
	b := longName(t, full)
	b.wantState(fullState())
	if failed := b.wantWriteError(signedOut()); failed.Op != "write" || !errors.Is(failed, syscall.ENAMETOOLONG) {
		t.Errorf("Save: %v, want the operation and the kernel's reason", failed)
	}
	b.wantText(full)
	b.wantFiles(filepath.Base(b.path))
}

func TestWhatCannotBeSetAsideIsNotOverwritten(t *testing.T) {
	b := longName(t, "corrupt")
	for range 2 {
		var corrupt *statefile.CorruptError
		_, err := b.Load()
		if !errors.As(err, &corrupt) || corrupt.SetAside != "" || !errors.Is(err, syscall.ENAMETOOLONG) {
			t.Fatalf("Load: %v, want a *CorruptError that says why it was not set aside", err)
		}
		if failed := b.wantWriteError(fullState()); !errors.As(failed, &corrupt) {
			t.Errorf("Save: %v, want it to say that the file is corrupt", failed)
		}
		b.wantText("corrupt")
	}
	b.write(full)
	if failed := b.wantWriteError(signedOut()); failed.Op != "save" {
		t.Errorf("Save without another Load: %v, want it refused", failed)
	}
}

func TestPermissions(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root is permitted everything
	}
	b := newBox(t, full)
	defer func() { _ = os.Chmod(b.dir, 0o700) }()
	if err := errors.Join(os.Chmod(b.path, 0), os.Chmod(b.dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	b.wantAccessError("permission denied")
	b.wantWriteError(fullState())
	if err := os.Chmod(b.path, 0o600); err != nil {
		t.Fatal(err)
	}
	b.wantState(fullState())
	b.wantWriteError(signedOut())
	b.wantState(fullState())
}

func TestTheDiskIsFull(t *testing.T) {
	b := newBox(t, full)
	out, err := child("small files", b.path).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	b.wantText(full)
	b.wantFiles("state.toml")
	b.wantSpare(false)
}

// saveSmallFiles saves where the kernel cuts files off.
func saveSmallFiles(file *statefile.File) error {
	file.OnExt4()
	limit := unix.Rlimit{Cur: 100, Max: 100}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	state := fullState()
	state.Auth.Title = "Bob"
	err := file.Save(state)
	var failed *statefile.WriteError
	if !errors.As(err, &failed) || failed.Op != "write" || !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("save: %v, want a *WriteError of a write: %w", err, syscall.EFBIG)
	}
	return nil
}
