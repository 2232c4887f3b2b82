package statefile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's view of a call that waits for a supervisor, and the answer to
// it: struct seccomp_notif and seccomp_notif_resp in seccomp_unotify(2).
type (
	notice struct {
		id         uint64
		pid, flags uint32
		nr         int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	reply struct {
		id    uint64
		val   int64
		errno int32
		flags uint32
	}
)

const (
	receive  = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	send     = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	proceed  = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
	notify   = 0x7fc00000 // SECCOMP_RET_USER_NOTIF
	listener = 8          // SECCOMP_FILTER_FLAG_NEW_LISTENER
)

// fsyncs does run on a thread of its own whose calls of fsync(2) the kernel
// shows us before it does them. It tells on what each was called, and lets
// the first ones fail with errnos, where those are not 0.
func fsyncs(b box, run func(), errnos []syscall.Errno) []string {
	b.Helper()
	fds, done := make(chan int), make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine, and the filter
		// with it.
		runtime.LockOSThread()
		fd, err := watchFsync()
		if err != 0 {
			b.Errorf("seccomp: %v", err)
			close(fds)
			return
		}
		fds <- fd
		run()
	}()
	fd, ok := <-fds
	if !ok {
		b.FailNow()
	}
	defer unix.Close(fd)
	before, _ := os.ReadFile(b.path)
	var calls []string
	for waiting(fd, done) {
		var call notice
		if ioctl(fd, receive, unsafe.Pointer(&call)) != 0 {
			continue
		}
		answer := reply{id: call.id, flags: proceed}
		if n := len(calls); n < len(errnos) && errnos[n] != 0 {
			answer.errno, answer.flags = -int32(errnos[n]), 0
		}
		calls = append(calls, describe(b, call.args[0], string(before)))
		ioctl(fd, send, unsafe.Pointer(&answer))
	}
	return calls
}

// waiting waits for a call; false when done is closed.
func waiting(fd int, done <-chan struct{}) bool {
	for {
		select {
		case <-done:
			return false
		default:
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, _ := unix.Poll(poll, 10); n > 0 && poll[0].Revents&unix.POLLIN != 0 {
			return true
		}
	}
}

// watchFsync gives this thread the filter and returns its listener.
func watchFsync() (int, syscall.Errno) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_FSYNC},
		{Code: unix.BPF_RET | unix.BPF_K, K: notify},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err.(syscall.Errno)
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, listener, uintptr(unsafe.Pointer(&program)))
	return int(fd), errno
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}

// describe says what the file descriptor is and whether b's file is still as
// it was before.
func describe(b box, fd uint64, before string) string {
	name, _ := os.Readlink("/proc/self/fd/" + strconv.FormatUint(fd, 10))
	switch base := filepath.Base(name); {
	case name == b.dir:
		name = "directory"
	case strings.HasPrefix(base, ".state.toml"):
		name = "temporary"
	default:
		name = base
	}
	if now, _ := os.ReadFile(b.path); string(now) == before {
		return name + ", before the rename"
	}
	return name + ", after the rename"
}
