// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another daemon has the state file.
var ErrInUse = errors.New("another plexauthd uses it")

// Lock keeps other daemons from the state file until release is called or the
// process ends: each would write over what the other has saved. release also removes
// what the next save would have written over, unless one is under way: the disk may be
// stuck. Lock fails with [ErrInUse], wrapped, if another one was faster. Any other error
// means that nothing can be locked there: some network file systems have no locks, and
// a directory may not be there and not be creatable.
//
// The lock is on the directory, because each save replaces the file.
func (f *File) Lock() (release func(), err error) {
	dir := filepath.Dir(f.path)
	if err := MakeDir(dir, 0o700, 0o700); err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	file, err := os.Open(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return func() {}, nil // which reading the state says, too
	case err != nil:
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return func() {
			if f.mu.TryLock() {
				f.spare.remove()
				f.mu.Unlock()
			}
			_ = file.Close()
		}, nil
	}
	_ = file.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("state file %s: %w, which has locked %s: stop that one, or name a file in another directory with --state",
			f.path, ErrInUse, dir)
	}
	return nil, fmt.Errorf("locking the state: flock %s: %w", dir, err)
}
