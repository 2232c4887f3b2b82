// SPDX-License-Identifier: Apache-2.0

//go:build root

package statefile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// inNamespace runs the test once more in a mount namespace of its own and tells
// whether this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const mark = "PLEXAUTHD_TEST_NAMESPACE"
	if os.Getenv(mark) != "" {
		return true
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), mark+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("in a mount namespace of its own: %v\n%s", err, out)
	}
	return false
}

// mount mounts a file system at a directory in top and returns that.
func mount(t *testing.T, top, name, kind, options string) string {
	t.Helper()
	target := filepath.Join(top, name)
	if err := os.MkdirAll(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("test", target, kind, 0, options); err != nil {
		t.Fatalf("mounting %s at %s: %v", kind, target, err)
	}
	return target
}

// overlay mounts an overlay whose upper directory is in the directory over.
func overlay(t *testing.T, top, name, over string) string {
	t.Helper()
	upper, work, lower := filepath.Join(over, name+" upper"), filepath.Join(over, name+" work"), filepath.Join(top, "lower")
	for _, dir := range []string{upper, work, lower} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return mount(t, top, name, "overlay", "lowerdir="+lower+",upperdir="+upper+",workdir="+work)
}

func TestInMemory(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := t.TempDir() // on a disk, but for machines with all of /tmp in memory
	top := mount(t, t.TempDir(), "top", "tmpfs", "mode=0755")
	t.Cleanup(func() { _ = unix.Unmount(top, unix.MNT_DETACH) })
	tmpfs := mount(t, top, "tmpfs", "tmpfs", "size=1m")
	rows := []row{
		{tmpfs, "tmpfs", ""},
		{mount(t, top, "ramfs", "ramfs", ""), "ramfs", ""},
		{overlay(t, top, "over tmpfs", tmpfs), "overlay on tmpfs", ""},
		{mount(t, top, "read-only", "overlay", "lowerdir="+tmpfs+":"+top), "", ""},
		{overHidden(t, top), "", "cannot be seen from here"},
		{overGone(t, top), "", "cannot be seen from here"},
	}
	var system unix.Statfs_t
	if err := unix.Statfs(disk, &system); err != nil {
		t.Fatal(err)
	}
	switch system.Type {
	case unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC: // no overlay can lie on another
	default:
		rows = append(rows, row{disk, "", ""}, row{overlay(t, top, "over disk", disk), "", ""})
	}
	for _, r := range rows {
		r.check(t)
	}
}

// A file may be mounted by itself, as a machine-id that is not saved yet is.
func TestAFileThatIsMountedInMemory(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	top := mount(t, t.TempDir(), "top", "ramfs", "")
	t.Cleanup(func() { _ = unix.Unmount(top, unix.MNT_DETACH) })
	source := filepath.Join(mount(t, top, "tmpfs", "tmpfs", ""), "id")
	target := filepath.Join(top, "machine-id")
	for _, path := range []string{source, target} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := statefile.InMemory(target); got != "tmpfs" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// overHidden is an overlay whose upper directory lies below another mount, with a
// directory of the same name in its place.
func overHidden(t *testing.T, top string) string {
	t.Helper()
	below := mount(t, top, "hidden", "tmpfs", "size=2m")
	over := overlay(t, top, "over hidden", below)
	mount(t, top, "hidden", "tmpfs", "size=3m")
	if err := os.Mkdir(filepath.Join(below, "over hidden upper"), 0o700); err != nil {
		t.Fatal(err)
	}
	return over
}

// overGone is an overlay whose upper directory is nowhere to be seen.
func overGone(t *testing.T, top string) string {
	t.Helper()
	below := mount(t, top, "gone", "tmpfs", "")
	over := overlay(t, top, "over gone", below)
	if err := unix.Unmount(below, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	return over
}

// row is what InMemory should say of files in a directory.
type row struct{ dir, want, err string }

func (r row) check(t *testing.T) {
	t.Helper()
	for _, path := range []string{"state.toml", "not/yet/there/state.toml"} {
		got, err := statefile.InMemory(filepath.Join(r.dir, path))
		if got != r.want || (err == nil) != (r.err == "") || err != nil && !strings.Contains(err.Error(), r.err) {
			t.Errorf("%s: %q, %v; want %q, %q", filepath.Join(r.dir, path), got, err, r.want, r.err)
		}
	}
}
