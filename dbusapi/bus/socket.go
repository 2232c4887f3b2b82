// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// socket is a stream socket whose reader blocks in the kernel, on a thread. With
// Go's poller, which waits for all sockets and then wakes the reader, a call takes
// twice as long to be answered when calls come one by one, as those of frontends
// do.
type socket struct{ *os.File }

// sendBuffer is the size of the send buffer. dbus-daemon reads 2 KiB at a time from
// each client in turn, so a message behind a long queue waits long.
const sendBuffer = 16 << 10

// newSocket takes conn over.
func newSocket(conn net.Conn) (socket, error) {
	defer conn.Close()
	file, err := conn.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return socket{}, err
	}
	defer file.Close()
	// Not file itself: Go waits for it together with others.
	fd, err := duplicate(int(file.Fd()))
	if err != nil {
		return socket{}, fmt.Errorf("duplicating the socket: %w", err)
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		return socket{}, fmt.Errorf("setting the socket up: %w", err)
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, sendBuffer) // it works without
	return socket{os.NewFile(uintptr(fd), conn.RemoteAddr().String())}, nil
}

// duplicate gives another number for what is open, which programs that are
// started do not inherit.
func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// Close implements [io.Closer]. It unblocks Read.
func (s socket) Close() error {
	if raw, err := s.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
	}
	return s.File.Close()
}
