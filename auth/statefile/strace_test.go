// SPDX-License-Identifier: Apache-2.0

package statefile_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelCall is one call to the kernel, as strace(1) tells it.
type kernelCall struct {
	name string
	line string // with the paths that file descriptors stand for
}

var (
	callLine = regexp.MustCompile(`^([a-z0-9_]+)\(`)
	// noise are calls that Go makes for itself: the runtime dies without the
	// first three, and nobody looks at what fcntl says when a file is opened.
	noise = regexp.MustCompile(`^(epoll_\w+|mmap|munmap|fcntl)$`)
)

// straced does run on a thread of its own under strace, and returns its calls
// that take a path or a file descriptor. Calls fail as strace's inject
// expressions say ("fsync:error=EIO:when=2"), counted from the start of run.
func straced(b box, run func(), inject ...string) []kernelCall {
	b.Helper()
	thread, watched, done := make(chan int), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine. It must not
		// touch strace's pipes: that would count.
		runtime.LockOSThread()
		thread <- unix.Gettid()
		<-watched
		run()
	}()
	out := filepath.Join(b.TempDir(), "strace")
	stop := attach(b, <-thread, out, inject)
	close(watched)
	<-done
	stop()
	trace, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	return kernelCalls(string(trace))
}

// attach starts strace on a thread of ours and returns once it watches.
func attach(b box, thread int, out string, inject []string) (stop func()) {
	b.Helper()
	// Where only a parent may trace (kernel.yama.ptrace_scope), this lets strace.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	cmd := exec.Command("strace", "-y", "-o", out, "-p", strconv.Itoa(thread), "-e", "signal=none", "-e", "trace=%file,%desc")
	for _, expression := range inject {
		cmd.Args = append(cmd.Args, "-e", "inject="+expression)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatalf("starting strace, from Debian's package of that name: %v", err)
	}
	said, _ := bufio.NewReader(stderr).ReadString('\n')
	if want := fmt.Sprintf("strace: Process %d attached\n", thread); said != want {
		b.Fatalf("strace says %q instead of %q", said, want)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was killed
	}
}

func kernelCalls(trace string) []kernelCall {
	var calls []kernelCall
	for line := range strings.Lines(trace) {
		match := callLine.FindStringSubmatch(line)
		if match != nil && !noise.MatchString(match[1]) {
			calls = append(calls, kernelCall{match[1], strings.TrimSpace(line)})
		}
	}
	return calls
}
