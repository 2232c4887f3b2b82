// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"fmt"
)

// setAside moves the corrupt file away and notes that in broken.
func (f *File) setAside(broken *CorruptError) {
	target := f.path + corrupt + f.clock.Now().UTC().Format("20060102T150405Z")
	var err error
	broken.SetAside, err = setAside(f.path, target)
	if err != nil {
		broken.Err = fmt.Errorf("%w; setting it aside: %w", broken.Err, err)
	}
}

// removeCopies removes what may hold the tokens of an account that is no
// longer signed in. Corrupt files go with the account that is signed out now;
// while nobody was signed in, they are all that is left to examine.
func (f *File) removeCopies() error {
	stale, err := temporaries(f.path, f.servers.path)
	stale = append(stale, f.path+original)
	if err == nil && f.signedIn {
		var spoilt []string
		spoilt, err = corruptCopies(f.path)
		stale = append(stale, spoilt...)
	}
	f.servers.put(State{}, nil)
	if err == nil {
		err = removeAll(stale)
	}
	if err != nil {
		return f.failed("remove old copy", f.path, err)
	}
	return nil
}

// keepOriginal keeps the document whose comments are about to be lost.
func (f *File) keepOriginal(old document) error {
	path := f.path + original
	if err := replace(path, []byte(old.text)); err != nil {
		return f.failed("keep old copy", path, err)
	}
	f.keptAside = path
	return nil
}
