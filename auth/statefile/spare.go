// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// spare is the file that the last save replaced. The next save writes over it and
// exchanges the two names. ext4 then neither makes a file nor frees one, and
// the first fsync writes data alone: a third of what goes to the disk otherwise.
//
// What may be on the disk under the name of the state, or be read by somebody,
// is never written over. The spare holds no secret that the state does not
// hold. It is named as a temporary file is, so Load removes one that is left.
type spare struct {
	path    string
	renamed bool     // the spare is what the state was, but that is not durable
	as      identity // as it may be written over; zero: not at all
	never   bool     // names cannot be exchanged here, as on ext2
}

// spareOf returns the spare of the file at path; there is none yet.
func spareOf(path string) spare {
	dir, name := filepath.Split(path)
	return spare{path: dir + "." + name + "0"}
}

// replace puts text in the place of path, as the function of that name does. keep says
// that the file that is replaced may become the spare.
func (s *spare) replace(path, text string, keep bool) error {
	if s.write(text) && s.rename(path, keep) {
		return nil
	}
	s.remove()
	if keep && !s.never {
		s.renamed = unix.Link(path, s.path) == nil
	}
	err := replace(path, []byte(text))
	if err != nil {
		s.remove()
	}
	return err
}

// confirmed notes that the new state is on the disk under its name. What replace would
// not have made is removed: others might read it.
func (s *spare) confirmed() {
	if !s.renamed {
		return
	}
	s.renamed, s.as = false, identityOf(s.path)
	if s.as.mode != syscall.S_IFREG|0o600 || int(s.as.owner) != os.Geteuid() {
		s.remove()
	}
}

// remove removes the spare.
func (s *spare) remove() {
	s.renamed, s.as = false, identity{}
	_ = os.Remove(s.path)
}

// write makes text the content of the spare, durably, if there is one that may be
// written over. It says nothing of what went wrong: a file is made instead, which will
// fail if the disk does.
func (s *spare) write(text string) (ok bool) {
	left := s.as
	s.as = identity{}
	if left == (identity{}) {
		return false
	}
	file, err := os.OpenFile(s.path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	fd := int(file.Fd())
	var stat syscall.Stat_t
	if syscall.Fstat(fd, &stat) != nil || identityIn(&stat) != left || stat.Nlink != 1 || !isOpenOnce(fd) {
		return false
	}
	if _, err := file.WriteString(text); err != nil {
		return false
	}
	size := int64(len(text))
	return (size == stat.Size || unix.Ftruncate(fd, size) == nil) && unix.Fdatasync(fd) == nil
}

// isOpenOnce reports whether nobody else has the file open, such as a program that began
// to read it when it was the state. The kernel grants a lease only then, see fcntl(2).
func isOpenOnce(fd int) bool {
	for _, lease := range []int{unix.F_WRLCK, unix.F_UNLCK} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, lease); err != nil {
			return false
		}
	}
	return true
}

// rename gives the spare the name of path. With keep, what has that name becomes
// the spare.
func (s *spare) rename(path string, keep bool) (ok bool) {
	if !keep {
		return os.Rename(s.path, path) == nil
	}
	err := unix.Renameat2(unix.AT_FDCWD, s.path, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	s.renamed, s.never = err == nil, err != nil
	return s.renamed
}

// secretsIn reports whether next has each secret of d, in the same place.
func (d document) secretsIn(next document) bool {
	places, all := secrets(&d.state), secrets(&next.state)
	for _, one := range all {
		if len(places) > 0 && places[0].name == one.name && one.at.Equal(*places[0].at) {
			places = places[1:]
		}
	}
	return d.text != "" && len(d.unread) == 0 && len(places) == 0
}
