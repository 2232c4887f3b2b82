// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Package bootedtest boots a real systemd with a real system bus and polkit for
// tests of what is packaged. It needs to run as root, and in the root directory
// that a box is a copy of systemd, dbus, dbus-broker and polkitd.
package bootedtest

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

//go:embed init.sh
var initScript string

// lower is the root directory that a box is a copy of.
var lower = flag.String("root", "/", "boot copies of the root directory `DIR`")

// Files is where make puts what goes into a box, seen from the tests of a package.
const Files = "../../dist/box"

// bootTimeout is ample: a box boots within a second.
const bootTimeout = 30 * time.Second

// Options say what box to boot.
type Options struct {
	Bus string // "dbus" or "dbus-broker"; "" is dbus
	// Package is "enabled" or "disabled" if the package is to be installed
	// before systemd runs, as in an image.
	Package string
	// Prepare is a command to run in the directory that is going to be the root,
	// last before systemd.
	Prepare []string
	// Environment is systemd's, in addition to what a container gets: "NAME=value".
	Environment string
}

// Box is a running systemd with a file system, processes and a loopback
// network of its own. It ends with the test.
type Box struct {
	pid    int // of systemd, as this machine counts
	cgroup string
	holder *exec.Cmd     // ends when the box does, and takes the box with it
	ended  chan struct{} // closed when holder has ended
}

// Boot starts a box and returns when everything that starts at boot has started.
func Boot(t testing.TB, o Options) *Box {
	t.Helper()
	b := &Box{ended: make(chan struct{})}
	console := new(bytes.Buffer)
	if err := b.start(t.TempDir(), o, console); err != nil {
		t.Fatalf("starting a box: %v", err)
	}
	t.Cleanup(func() { b.end(t) })
	deadline := time.After(bootTimeout)
	for !b.up() {
		select {
		case <-b.ended:
			t.Fatalf("the box has gone down while booting:\n%s", console)
		case <-deadline:
			t.Fatalf("the box has not come up within %v", bootTimeout)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return b
}

// start makes the namespaces and has init.sh run in them. dir is empty.
func (b *Box) start(dir string, o Options, console *bytes.Buffer) error {
	if _, err := os.Stat(filepath.Join(*lower, "usr")); err != nil {
		return fmt.Errorf("no root directory, make one with make box-root: %w", err)
	}
	script, root := filepath.Join(dir, "init.sh"), filepath.Join(dir, "root")
	source, err := filepath.Abs(Files)
	err = errors.Join(err, os.Mkdir(root, 0o755), os.WriteFile(script, []byte(initScript), 0o755), b.makeCgroup())
	if err != nil {
		return err
	}
	in, err := os.Open(b.cgroup)
	if err != nil {
		return err
	}
	defer in.Close()
	b.holder = exec.Command("unshare",
		"--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child",
		script, *lower, root, cmp.Or(o.Bus, "dbus"), source, o.Package, o.Environment)
	b.holder.Args = append(b.holder.Args, o.Prepare...)
	b.holder.Stdout, b.holder.Stderr = console, console
	// The cgroup namespace begins where the process is that makes it.
	b.holder.SysProcAttr = &syscall.SysProcAttr{
		UseCgroupFD: true, CgroupFD: int(in.Fd()), Setsid: true, Pdeathsig: syscall.SIGKILL,
	}
	if err := b.holder.Start(); err != nil {
		return err
	}
	go func() {
		_ = b.holder.Wait() // the console tells more
		close(b.ended)
	}()
	return nil
}

// makeCgroup makes a cgroup for all processes of the box.
func (b *Box) makeCgroup() error {
	cgroups, err := exec.Command("findmnt", "--noheadings", "--first-only", "--types", "cgroup2", "--output", "TARGET").Output()
	if err != nil {
		return fmt.Errorf("looking for a mounted cgroup2: %w", err)
	}
	b.cgroup, err = os.MkdirTemp(strings.TrimSpace(string(cgroups)), "box-")
	return err
}

// up tells whether the box has booted; failed units do not keep it from that.
func (b *Box) up() bool {
	if b.pid == 0 {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", b.holder.Process.Pid))
		if _, err := fmt.Sscan(string(children), &b.pid); err != nil {
			return false
		}
	}
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", b.pid)); string(name) != "systemd\n" {
		return false
	}
	state, _ := b.Command("systemctl", "is-system-running", "--wait").Output()
	return string(state) == "running\n" || string(state) == "degraded\n"
}

// Command is a command to run as root in the box.
func (b *Box) Command(name string, args ...string) *exec.Cmd {
	enter := []string{fmt.Sprintf("--target=%d", b.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--", name}
	cmd := exec.Command("nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/opt/box:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	return cmd
}

// As is a command to run in the box as a user with all of the user's groups.
func (b *Box) As(user, name string, args ...string) *exec.Cmd {
	return b.Command("setpriv", append([]string{"--reuid=" + user, "--regid=" + user, "--init-groups", name}, args...)...)
}

// Run runs a command as root in the box and returns what it printed. If the
// command fails, so does the test.
func (b *Box) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := b.Try(name, args...)
	if err != nil {
		t.Fatalf("in the box: %v", err)
	}
	return out
}

// Try runs a command as root in the box and returns what it printed, also
// within the error.
func (b *Box) Try(name string, args ...string) (string, error) {
	out, err := b.Command(name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, text)
	}
	return text, err
}

// Path is where this machine sees a file of the box.
func (b *Box) Path(path string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", b.pid), path)
}

// Write writes a file in the box, and the directories above it.
func (b *Box) Write(t testing.TB, path, content string) {
	t.Helper()
	daemontest.Write(t, b.Path(path), content)
}

// Crash kills systemd, and with it all that runs in the box. Nothing has time to
// put anything away.
func (b *Box) Crash(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
		t.Fatalf("killing the box's systemd: %v", err)
	}
	<-b.ended
	b.pid = 0
}

// end pulls the plug, after the journal has been read if the test has failed.
func (b *Box) end(t testing.TB) {
	if t.Failed() && b.pid != 0 {
		journal, _ := b.Try("journalctl", "--no-pager", "--boot", "--lines=60", "--output=short-precise")
		t.Logf("the end of the box's journal:\n%s", journal)
	}
	_ = b.holder.Process.Kill()
	<-b.ended
	// The kernel ends the box's processes in its own time.
	deadline := time.Now().Add(5 * time.Second)
	for removeCgroups(b.cgroup) != nil && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
}

// removeCgroups removes a cgroup and those below it.
func removeCgroups(top string) error {
	var found []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	for i := len(found) - 1; i >= 0; i-- {
		err = errors.Join(err, os.Remove(found[i]))
	}
	return err
}
