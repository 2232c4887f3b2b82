// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// loopMajor is the number of loop devices in the kernel's devices.txt.
const loopMajor = 7

// loop is a loop device. The kernel frees it when nobody has it open or mounted.
type loop struct {
	fd     int
	device string
}

// attach puts a loop device on a file.
func attach(file string) (*loop, error) {
	backing, err := unix.Open(file, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	defer unix.Close(backing)
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/loop-control: %w", err)
	}
	defer unix.Close(control)
	for {
		l, err := attachFree(control, backing)
		if !errors.Is(err, unix.EBUSY) { // somebody else was faster
			return l, err
		}
	}
}

func attachFree(control, backing int) (*loop, error) {
	number, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("finding a free loop device: %w", err)
	}
	device := fmt.Sprintf("/dev/loop%d", number)
	// Not every container has a devtmpfs that makes the node.
	if err := unix.Mknod(device, unix.S_IFBLK|0o600, int(unix.Mkdev(loopMajor, uint32(number)))); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("making %s: %w", device, err)
	}
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", device, err)
	}
	config := unix.LoopConfig{Fd: uint32(backing)}
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO
	if err := unix.IoctlLoopConfigure(fd, &config); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("configuring %s: %w", device, err)
	}
	return &loop{fd, device}, nil
}

func (l *loop) close() error { return unix.Close(l.fd) }

// fileSystem is one kind of file system and how a box uses it.
type fileSystem struct {
	name    string // as mount(2) knows it
	size    int64
	make    []string // the command that makes one in the file named last
	options string   // of mount(2)
	// repair is what a box runs where the file system cannot be mounted.
	repair []string
}

// fileSystems are what a box may have its state on. The commits come often, for
// more to happen.
var fileSystems = map[string]fileSystem{
	"ext4":                ext4("commit=1"),
	"ext4 data=writeback": ext4("commit=1,data=writeback"),
	"btrfs": {
		name: "btrfs", size: 128 << 20, options: "commit=1,nodiscard",
		make:   []string{"mkfs.btrfs", "-q"},
		repair: []string{"btrfs", "rescue", "super-recover", "-y"},
	},
}

func ext4(options string) fileSystem {
	return fileSystem{
		name: "ext4", size: 32 << 20, options: options,
		make:   []string{"mkfs.ext4", "-q", "-b", "4096", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"},
		repair: []string{"e2fsck", "-f", "-p"},
	}
}

// empty makes an empty file system.
func (f fileSystem) empty(dir string) (image, error) {
	file := filepath.Join(dir, f.name)
	defer os.Remove(file)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return image{}, err
	}
	if err := os.Truncate(file, f.size); err != nil {
		return image{}, err
	}
	if out, err := exec.Command(f.make[0], append(f.make[1:], file)...).CombinedOutput(); err != nil {
		return image{}, fmt.Errorf("%s: %w\n%s", strings.Join(f.make, " "), err, out)
	}
	return readImage(file, f.size)
}

func readImage(file string, size int64) (image, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return image{}, err
	}
	m := newImage(size)
	for offset := 0; offset < len(text); offset += pageSize {
		if p := (*page)(text[offset : offset+pageSize]); *p != (page{}) {
			m.pages[int64(offset)/pageSize] = p
		}
	}
	return m, nil
}

// mount mounts the device at dir, and repairs it before if it must.
func (f fileSystem) mount(l *loop, dir string) (repaired bool, err error) {
	err = unix.Mount(l.device, dir, f.name, 0, f.options)
	if err == nil {
		return false, nil
	}
	// Status 1 is that something was repaired, 2 that a reboot is due after that.
	out, fault := exec.Command(f.repair[0], append(f.repair[1:], l.device)...).CombinedOutput()
	if again := unix.Mount(l.device, dir, f.name, 0, f.options); again != nil {
		return false, fmt.Errorf("mounting: %w, and after %s (%v): %w\n%s", err, strings.Join(f.repair, " "), fault, again, out)
	}
	return true, nil
}
