// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Forget saves s, in which nobody is signed in. Where that fails it removes what
// holds tokens, to make room as well, and tries once more. gone reports that no
// token is left; with an error the rest of s is not kept until a later Save.
func (f *File) Forget(s State) (gone bool, err error) {
	if err := f.Save(s); err == nil {
		return true, nil
	}
	f.mu.Lock()
	refused := f.refusal != nil
	f.mu.Unlock()
	if refused || f.removeTokens() != nil {
		return false, f.Save(s)
	}
	return true, f.Save(s)
}

// removeTokens removes the state file with all copies of it.
func (f *File) removeTokens() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.removeCopies()
	if removed := os.Remove(f.path); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return errors.Join(err, SyncPath(filepath.Dir(f.path)))
}
