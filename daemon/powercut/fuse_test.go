// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// shelf is a directory in which every disk is a file: what lies below a loop
// device, so that each of its writes and flushes comes by here.
type shelf struct {
	dir  string
	root fs.Inode
}

// newShelf mounts a shelf until the test ends.
func newShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{dir: t.TempDir()}
	fd, err := mountFUSE(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := fs.Mount(fmt.Sprintf("/dev/fd/%d", fd), &s.root, &fs.Options{MountOptions: fuse.MountOptions{MaxWrite: 1 << 20}})
	if err != nil {
		t.Fatalf("serving FUSE: %v", err)
	}
	t.Cleanup(func() {
		// A loop device may hold its file for a moment after its last user.
		if err := unix.Unmount(s.dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting FUSE: %v", err)
		}
		server.Wait()
	})
	return s
}

// mountFUSE mounts what is served on the file descriptor. No child inherits that:
// FUSE ends with this process, so that nothing waits for it forever. (go-fuse's own
// DirectMount lets children inherit it.)
func mountFUSE(dir string) (fd int, err error) {
	fd, err = unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("opening /dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("powercut", dir, "fuse.powercut", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return 0, fmt.Errorf("mounting FUSE: %w", err)
	}
	return fd, nil
}

// put makes d a file and returns its path; take removes it.
func (s *shelf) put(d *disk) string {
	node := s.root.NewPersistentInode(context.Background(), &diskFile{disk: d}, fs.StableAttr{Mode: syscall.S_IFREG})
	s.root.AddChild(d.name, node, true)
	return filepath.Join(s.dir, d.name)
}

func (s *shelf) take(d *disk) { s.root.RmChild(d.name) }

// diskFile is a disk as a file. It is opened for direct I/O: nothing is cached.
type diskFile struct {
	fs.Inode
	disk *disk
}

var (
	_ fs.NodeOpener    = (*diskFile)(nil)
	_ fs.NodeGetattrer = (*diskFile)(nil)
	_ fs.NodeReader    = (*diskFile)(nil)
	_ fs.NodeWriter    = (*diskFile)(nil)
	_ fs.NodeFsyncer   = (*diskFile)(nil)
)

func (f *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFREG | 0o600
	out.Size = uint64(f.disk.now.size)
	out.Uid, out.Gid = uint32(os.Getuid()), uint32(os.Getgid())
	return 0
}

func (f *diskFile) Read(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	f.disk.read(data, offset)
	return fuse.ReadResultData(data), 0
}

func (f *diskFile) Write(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	f.disk.write(data, offset)
	return uint32(len(data)), 0
}

func (f *diskFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.note(event{kind: flush})
	return 0
}
