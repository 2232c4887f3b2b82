// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"io"
	"syscall"
)

// passing is a socket that passes file descriptors. Any process on the bus can send
// some: the reader has to take them, and close those of no use.
type passing struct {
	socket
	received int64 // bytes
	arrived  []arrival
}

// arrival is a descriptor and the offset in the stream of the byte that it came
// with.
type arrival struct {
	at int64
	fd int
}

// Read implements [io.Reader]. It returns after bytes that came with descriptors.
// It has room for one descriptor at a time, which is what an answer holds: the
// kernel closes any others.
func (p *passing) Read(b []byte) (n int, err error) {
	raw, err := p.SyscallConn()
	if err != nil {
		return 0, err
	}
	var control [syscall.SizeofCmsghdr + 4]byte
	length := 0
	closed := raw.Read(func(fd uintptr) bool {
		for err = syscall.EINTR; err == syscall.EINTR; {
			n, length, _, _, err = syscall.Recvmsg(int(fd), b, control[:], syscall.MSG_CMSG_CLOEXEC)
		}
		return true // false would have Go poll the socket, which it cannot
	})
	switch {
	case closed != nil:
		return 0, closed
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	p.received += int64(n)
	for _, fd := range descriptorsIn(control[:length]) {
		p.arrived = append(p.arrived, arrival{p.received - 1, fd})
	}
	return n, nil
}

func descriptorsIn(control []byte) (fds []int) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil // the kernel writes none that are wrong
	}
	for _, m := range messages {
		if some, err := syscall.ParseUnixRights(&m); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds
}

// take returns the descriptors that came before offset end of the stream.
func (p *passing) take(end int64) (fds []int) {
	for len(p.arrived) > 0 && p.arrived[0].at < end {
		fds = append(fds, p.arrived[0].fd)
		p.arrived = p.arrived[1:]
	}
	return fds
}

// pass sends a message and descriptors with it, which stay open here.
func (p *passing) pass(message []byte, fds []int) error {
	raw, err := p.SyscallConn()
	if err != nil {
		return err
	}
	sent := 0
	closed := raw.Write(func(fd uintptr) bool {
		rights := syscall.UnixRights(fds...)
		for err = syscall.EINTR; err == syscall.EINTR; {
			sent, err = syscall.SendmsgN(int(fd), message, rights, nil, syscall.MSG_NOSIGNAL)
		}
		return true
	})
	if closed != nil {
		return closed
	}
	if err == nil && sent < len(message) {
		_, err = p.Write(message[sent:])
	}
	return err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}
