// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shutdownCall is EXT4_IOC_SHUTDOWN in the kernel's include/uapi/linux/ext4.h.
// Its argument is 1 if what was committed to the journal may still reach the
// disk, 2 if nothing may.
const shutdownCall = 0x8004587d

// TestShutDowns has ext4 itself stop in the middle of its work, as it does when
// a drive goes away: quicker than to rebuild a disk, and at any moment instead of
// between two writes.
func TestShutDowns(t *testing.T) {
	r := newRig(t, "ext4")
	for range percent(15) {
		if err := r.stopOnce(); err != nil {
			t.Fatalf("cut %d: %v", r.cuts, err)
		}
	}
	r.report()
}

func (r *rig) stopOnce() error {
	d := newDisk("stopped-"+strconv.Itoa(r.cuts), r.empty)
	last := 0
	if err := r.use(d, func(box *child) (err error) {
		last, err = r.stopUnderWriter(box)
		return err
	}); err != nil {
		return err
	}
	_, err := r.survives(cut{image: d.now, least: last, most: last + 1})
	return err
}

// stopUnderWriter stops the file system while a writer saves, and returns the
// number of the last state that was acknowledged.
func (r *rig) stopUnderWriter(box *child) (last int, err error) {
	w, err := startChild("statefile", writerPath+"="+statePath(r.dir))
	if err != nil {
		return 0, err
	}
	defer w.kill()
	if last, err = w.saved(); err != nil {
		return 0, err
	}
	w.say(strings.Repeat("go on\n", 2000))
	<-time.After(time.Duration(r.random.IntN(int(20 * time.Millisecond))))
	if _, err := box.ask("stop", 1+r.random.IntN(2)); err != nil {
		return last, err
	}
	for w.told.Scan() {
		if last, err = strconv.Atoi(w.told.Text()); err != nil {
			return last, err
		}
	}
	return last, nil
}

// stop is the call. It makes sure that dir is a file system of its own, on a
// loop device: at the machine's root it would stop the machine.
func stop(dir string, how uint32) error {
	var at, above unix.Stat_t
	if err := errors.Join(unix.Stat(dir, &at), unix.Stat(filepath.Dir(dir), &above)); err != nil {
		return err
	}
	if at.Dev == above.Dev || unix.Major(at.Dev) != loopMajor {
		return fmt.Errorf("%s is on device %d:%d, no loop device mounted there", dir, unix.Major(at.Dev), unix.Minor(at.Dev))
	}
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, root.Fd(), shutdownCall, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("stopping the file system at %s: %w", dir, errno)
	}
	return nil
}
