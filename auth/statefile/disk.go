// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// readFile returns what is at path, at most one byte more than maxSize, and
// takes the permissions of group and others away. It never waits on a FIFO
// and never follows path if that is a link itself: a rename would replace
// the link, not the file.
func readFile(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errors.New("it is a symbolic link; link its directory instead")
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file (mode %s)", info.Mode())
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Mode().Perm()&0o077 != 0 {
		// Not ours to change, or a read-only disk: reading it is still right.
		_ = file.Chmod(0o600)
	}
	return io.ReadAll(io.LimitReader(file, maxSize+1))
}

// identity changes when the file is replaced, written or removed.
type identity struct {
	inode   uint64
	mode    uint32
	owner   uint32
	changed syscall.Timespec
}

func identityOf(path string) identity {
	var stat syscall.Stat_t
	if syscall.Lstat(path, &stat) != nil {
		return identity{}
	}
	return identityIn(&stat)
}

func identityIn(stat *syscall.Stat_t) identity {
	return identity{stat.Ino, stat.Mode, stat.Uid, stat.Ctim}
}

// MakeDir creates dir with that mode, and what is missing above it with the mode
// above, durably.
func MakeDir(dir string, mode, above fs.FileMode) error {
	_, err := os.Stat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := MakeDir(parent, above, above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) { // another process may be faster
		return err
	}
	return SyncPath(parent)
}

// replace puts data in the place of path by way of a temporary file. Until
// it returns without an error, what was there is still there.
func replace(path string, data []byte) error {
	pending, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	// Not renameio's option, which leaves the file behind where this fails.
	if err := pending.Chmod(0o600); err != nil {
		return err
	}
	if _, err := pending.Write(data); err != nil {
		return err
	}
	return explainBusy(pending.CloseAtomicallyReplace())
}

// explainBusy says why rename(2) finds a file busy: nothing else makes it so.
func explainBusy(err error) error {
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: the file is mounted by itself and cannot be replaced; mount its directory instead", err)
	}
	return err
}

// confirm makes the rename that put path there durable. The file itself is
// synced once more, because vfat keeps length and place of a file with its
// name and writes them with the file: without that a power cut leaves 0 bytes
// under the new name (seen in power-cut tests). It comes before the directory,
// so that the name is not on the disk long before what belongs to it. ext4 needs
// none of that, nor do ext2 and ext3, and every fsync is a flush of the drive.
func confirm(path string, dir *os.File, ext4 bool) error {
	if !ext4 {
		if err := SyncPath(path); err != nil {
			return err
		}
	}
	return syncFile(dir)
}

// isExt4 is true for ext2 and ext3 as well: the kernel gives all three one number.
func isExt4(file *os.File) bool {
	var system unix.Statfs_t
	return unix.Fstatfs(int(file.Fd()), &system) == nil && system.Type == unix.EXT4_SUPER_MAGIC
}

// SyncPath makes the file or directory at path durable, as fsync(2) does. It
// succeeds where a file system cannot sync directories: nothing more can be done.
func SyncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return syncFile(file)
}

// syncFile is fsync(2). Some file systems answer EINVAL for directories:
// there the rename is all that can be done.
func syncFile(file *os.File) error {
	if err := file.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// setAside moves path to the first free name that starts with target.
func setAside(path, target string) (string, error) {
	name := target
	for n := 1; ; n++ {
		_, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d", target, n)
	}
	if err := os.Rename(path, name); err != nil {
		return "", explainBusy(err)
	}
	return name, SyncPath(filepath.Dir(path))
}

// temporaries lists what killed writers left next to path and to servers: the
// pattern is renameio's, a dot, the name and digits.
func temporaries(path, servers string) ([]string, error) {
	return siblings(path, func(name string) bool {
		for _, of := range []string{path, path + original, servers} {
			digits, ok := strings.CutPrefix(name, "."+filepath.Base(of))
			if ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
				return true
			}
		}
		return false
	})
}

// corruptCopies lists the files that were set aside.
func corruptCopies(path string) ([]string, error) {
	return siblings(path, func(name string) bool { return strings.HasPrefix(name, filepath.Base(path)+corrupt) })
}

// siblings lists the regular files in path's directory whose name matches; none
// if there is no directory, or a file in its place.
func siblings(path string, matches func(name string) bool) ([]string, error) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && matches(entry.Name()) {
			found = append(found, filepath.Join(dir, entry.Name()))
		}
	}
	return found, nil
}

// removeAll removes files, durably if there were any.
func removeAll(paths []string) error {
	removed := false
	for _, path := range paths {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return SyncPath(filepath.Dir(paths[0]))
}
