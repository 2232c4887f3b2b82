// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// interrupt runs do on a thread of its own and sends that thread signals while it
// waits in the kernel. Then finish has to let do return.
func interrupt(t *testing.T, do func() error, finish func()) {
	t.Helper()
	thread, ended := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread <- syscall.Gettid()
		ended <- do()
	}()
	tid := <-thread
	deadline := time.Now().Add(patience)
	for interrupted := 0; interrupted < 200; runtime.Gosched() {
		at, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
		if err == nil && !strings.HasPrefix(string(at), "running") {
			_ = syscall.Tgkill(os.Getpid(), tid, syscall.SIGURG)
			interrupted++
		}
		select {
		case err := <-ended:
			t.Fatalf("interrupted, it ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not wait")
		}
	}
	finish()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

// TestInterrupted has a signal come while the socket is waited for. The kernel
// does not restart a call on a socket that has a timeout.
func TestInterrupted(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far := os.NewFile(uintptr(pair[0]), "near"), os.NewFile(uintptr(pair[1]), "far")
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	long := syscall.Timeval{Sec: 600}
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(pair[0], syscall.SOL_SOCKET, option, &long); err != nil {
			t.Fatal(err)
		}
	}
	p := &passing{socket: socket{near}}
	interrupt(t, func() error {
		_, err := p.Read(make([]byte, 8))
		return err
	}, func() { _, _ = far.WriteString("x") })

	full := make([]byte, 1<<16)
	for err = nil; err == nil; {
		_, err = syscall.SendmsgN(pair[0], full, nil, nil, syscall.MSG_DONTWAIT)
	}
	interrupt(t, func() error { return p.pass([]byte("x"), []int{pair[1]}) }, func() {
		_, _ = far.Read(make([]byte, 1<<20))
	})
}
