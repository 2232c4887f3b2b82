// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// write puts s into old and that on disk. The servers in old go to their own file
// before, so that none are lost between. Those of another account are gone before
// the state is saved, and new ones come after it.
func (f *File) write(old document, s State) error {
	servers := s.whole().Servers
	s.Servers = nil
	if err := s.checkKeys(); err != nil {
		return f.failed("encode", f.path, err)
	}
	next, plain, err := old.with(f.key.seal(s, old.state))
	if err != nil {
		return f.failed("encode", f.path, err)
	}
	if f.key.settle != nil && isSealed(next.text) && !isSealed(old.text) {
		if err := f.key.settle(); err != nil {
			return f.failed("seal", f.path, err)
		}
	}
	if s.Auth == nil {
		err = f.removeCopies()
	} else if plain && !old.bare {
		err = f.keepOriginal(old)
	}
	if err != nil {
		return err
	}
	if servers == nil && s.Auth != nil || old.state.Servers != nil {
		f.servers.put(s, servers)
	}
	if err := f.put(old, next); err != nil {
		return err
	}
	f.saved = next
	if servers != nil {
		f.servers.put(s, servers)
	}
	return nil
}

// put makes the text of next durable. Text that is on the disk already is not written
// again, only confirmed: its writer may have been killed before that.
func (f *File) put(old, next document) error {
	dir, err := f.openDir()
	if err != nil {
		return err
	}
	defer dir.Close()
	ext4 := f.ext4(dir)
	if next.text != old.text {
		keep := ext4 && old.secretsIn(next)
		if err := f.spare.replace(f.path, next.text, keep); err != nil {
			return f.failed("write", f.path, err)
		}
	}
	if err := confirm(f.path, dir, ext4); err != nil {
		if back := f.putBack(old); back != nil {
			err = fmt.Errorf("%w; putting the old file back: %w", err, back)
		}
		f.spare.remove()
		return f.failed("confirm", f.path, err)
	}
	f.spare.confirmed()
	return nil
}

// openDir opens the directory of the state file, and makes it if it is missing.
func (f *File) openDir() (*os.File, error) {
	path := filepath.Dir(f.path)
	dir, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := MakeDir(path, 0o700, 0o700); err != nil {
			return nil, f.failed("create directory", path, err)
		}
		dir, err = os.Open(path)
	}
	if err != nil {
		return nil, f.failed("open directory", path, err)
	}
	return dir, nil
}

// putBack puts the old document back after a write that the disk would not
// confirm, as well as such a disk lets it.
func (f *File) putBack(old document) error {
	if old.text == "" {
		return os.Remove(f.path)
	}
	return replace(f.path, []byte(old.text))
}
