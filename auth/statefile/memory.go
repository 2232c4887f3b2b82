// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountInfo lists what is mounted, see proc_pid_mountinfo(5).
const mountInfo = "/proc/self/mountinfo"

// InMemory tells whether a file at path would be lost with the next boot: it names
// the file system in memory that path is on, or "" if there is none. An error
// means that nobody can tell from here.
//
// The file and the directories above it need not exist yet. A file may also be
// mounted by itself, as systemd mounts a machine-id that is not saved yet.
func InMemory(path string) (string, error) {
	var system unix.Statfs_t
	if err := unix.Statfs(path, &system); err == nil && uint32(system.Type) != unix.OVERLAYFS_SUPER_MAGIC {
		return memoryName(system), nil
	}
	dir, err := existing(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if err := unix.Statfs(dir, &system); err != nil {
		return "", &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if uint32(system.Type) == unix.OVERLAYFS_SUPER_MAGIC {
		return overlayInMemory(dir, system)
	}
	return memoryName(system), nil
}

// memoryName names the file systems that keep everything in memory.
func memoryName(system unix.Statfs_t) string {
	switch uint32(system.Type) {
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.RAMFS_MAGIC:
		return "ramfs"
	}
	return ""
}

// existing is dir, or the nearest directory above it that exists.
func existing(dir string) (string, error) {
	for {
		_, err := os.Stat(dir)
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return dir, err
		}
		dir = parent
	}
}

// overlayInMemory looks at the upper directory of the overlay that dir is on: what
// is written goes there. The mount was given its path, often in an initramfs,
// so today another directory may have it, or none. An overlay reports the size
// of the file system that its upper directory is on, which tells them apart.
func overlayInMemory(dir string, overlay unix.Statfs_t) (string, error) {
	var info unix.Stat_t
	if err := unix.Stat(dir, &info); err != nil {
		return "", &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	mounts, err := os.ReadFile(mountInfo)
	if err != nil {
		return "", err
	}
	device := fmt.Sprintf("%d:%d", unix.Major(uint64(info.Dev)), unix.Minor(uint64(info.Dev)))
	upper, found := upperDir(string(mounts), device)
	if !found {
		return "", fmt.Errorf("%s does not list the overlay that %s is on", mountInfo, dir)
	}
	if upper == "" {
		return "", nil // read-only
	}
	var system unix.Statfs_t
	if err := unix.Statfs(upper, &system); err != nil || system.Blocks != overlay.Blocks || system.Files != overlay.Files {
		return "", fmt.Errorf("the upper directory %s of the overlay that %s is on cannot be seen from here", upper, dir)
	}
	if name := memoryName(system); name != "" {
		return "overlay on " + name, nil
	}
	return "", nil
}

// upperDir finds the overlay with a device number in the text of mountinfo. An
// overlay that cannot be written has no upper directory.
func upperDir(mounts, device string) (upper string, found bool) {
	for line := range strings.Lines(mounts) {
		mount, system, _ := strings.Cut(line, " - ")
		fields, options := strings.Fields(mount), strings.Fields(system)
		if len(fields) < 3 || fields[2] != device || len(options) < 3 {
			continue
		}
		for option := range strings.SplitSeq(options[2], ",") {
			if path, ok := strings.CutPrefix(option, "upperdir="); ok {
				return unescape(path), true
			}
		}
		return "", true
	}
	return "", false
}

// unescape undoes how the kernel writes white space in a path: as \040.
func unescape(path string) string {
	before, after, ok := strings.Cut(path, `\`)
	if !ok {
		return path
	}
	if len(after) >= 3 {
		if code, err := strconv.ParseUint(after[:3], 8, 8); err == nil {
			return before + string([]byte{byte(code)}) + unescape(after[3:])
		}
	}
	return before + `\` + unescape(after)
}
