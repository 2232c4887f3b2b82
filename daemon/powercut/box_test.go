// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// The settings of a box.
const (
	boxDisk  = "POWERCUT_DISK"  // the file below the loop device
	boxMount = "POWERCUT_MOUNT" // where it is mounted
	boxKind  = "POWERCUT_KIND"  // the name in fileSystems
)

// runBox mounts a disk as a box does when it boots, tells whether that needed
// repair, obeys commands until there are no more and unmounts.
func runBox() error {
	l, err := attach(os.Getenv(boxDisk))
	if err != nil {
		return err
	}
	dir := os.Getenv(boxMount)
	repaired, err := fileSystems[os.Getenv(boxKind)].mount(l, dir)
	if err != nil {
		return err
	}
	fmt.Println(repaired)
	lines := bufio.NewScanner(os.Stdin)
	for err == nil && lines.Scan() {
		var answer string
		if answer, err = obey(strings.Fields(lines.Text()), dir); err == nil {
			fmt.Println(answer)
		}
	}
	if fault := unix.Unmount(dir, 0); fault != nil {
		err = errors.Join(err, fmt.Errorf("unmounting: %w", fault))
	}
	return errors.Join(err, l.close())
}

// obey does what words say to the file system at dir.
func obey(words []string, dir string) (string, error) {
	path := statePath(dir)
	var numbers []int
	for _, word := range words[1:] {
		n, err := strconv.Atoi(word)
		if err != nil {
			return "", err
		}
		numbers = append(numbers, n)
	}
	switch words[0] {
	case "sync":
		return "", syncAll(dir)
	case "judge":
		n, err := judge(path, numbers[0], numbers[1])
		return strconv.Itoa(n), err
	case "save":
		return "", saveNext(path, story(numbers[0]))
	case "stop":
		return "", stop(dir, uint32(numbers[0]))
	}
	return "", fmt.Errorf("no command %q", words[0])
}

// statePath is below a directory that the first save makes.
func statePath(dir string) string { return filepath.Join(dir, "box", "state.toml") }

func syncAll(dir string) error {
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(root.Fd())))
}

// judge loads the state after a cut and returns its number, which must be one
// of least to most.
func judge(path string, least, most int) (int, error) {
	state, err := statefile.Open(path, clockwork.NewRealClock()).Load()
	if err != nil {
		return 0, err
	}
	n := number(state)
	if n < least || n > most {
		return n, fmt.Errorf("state %d is on the disk, which must be one of %d to %d", n, least, most)
	}
	want := story(n)
	if state.Servers == nil && (n > least || story(n+1).Servers == nil) {
		want.Servers = nil // they are written after the state, and removed before the next
	}
	if !reflect.DeepEqual(state, want) {
		return n, fmt.Errorf("state %d is not what was saved: %+v", n, state)
	}
	if state.Auth == nil {
		return n, onlyTheState(path)
	}
	return n, onlyTheState(path, statefile.ServersName)
}

// onlyTheState wants no other file next to the state than those that may be there.
func onlyTheState(path string, others ...string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(path) && !slices.Contains(others, entry.Name()) {
			return fmt.Errorf("%s is left next to the state", entry.Name())
		}
	}
	return nil
}

// saveNext saves after a cut as if nothing had happened.
func saveNext(path string, next statefile.State) error {
	if err := statefile.Open(path, clockwork.NewRealClock()).Save(next); err != nil {
		return fmt.Errorf("saving after the cut: %w", err)
	}
	state, err := statefile.Open(path, clockwork.NewRealClock()).Load()
	if err == nil && !reflect.DeepEqual(state, next) {
		err = fmt.Errorf("it is %+v", state)
	}
	if err != nil {
		return fmt.Errorf("loading what was saved after the cut: %w", err)
	}
	return nil
}
