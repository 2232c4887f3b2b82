// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Read is what a file holds.
func Read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Write writes a file, and makes the directories above it.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// Memory is a line of /proc/PID/smaps_rollup or /proc/PID/status, such as "Pss:" or
// "VmHWM:", in MiB.
func Memory(t testing.TB, pid int, line string) float64 {
	t.Helper()
	process := fmt.Sprintf("/proc/%d/", pid)
	for each := range strings.Lines(Read(t, process+"smaps_rollup") + Read(t, process+"status")) {
		if value, ok := strings.CutPrefix(each, line); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024
		}
	}
	t.Fatalf("the kernel says nothing of %s", line)
	return 0
}

// Memory is [Memory] of the process.
func (p *Process) Memory(line string) float64 {
	p.Box.Helper()
	return Memory(p.Box, p.Pid, line)
}

// Terminal gives both ends of a terminal (pty(7)) of that size: a person's, and that
// of a program.
func Terminal(t testing.TB, width, height uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	Resize(t, person, width, height)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// Resize gives a terminal another size.
func Resize(t testing.TB, terminal *os.File, width, height uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}); err != nil {
		t.Fatal(err)
	}
}
