// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in the environment of the process that runs the tests.
const inside = "POWERCUT_INSIDE"

// TestMain runs the tests in a process with mounts and process numbers of its
// own. When it ends, however it ends, the kernel unmounts what is mounted in
// there, kills what runs in there and frees the loop devices.
func TestMain(m *testing.M) {
	switch task := os.Getenv(childTask); {
	case task == "box":
		exit(runBox())
	case task == "loop":
		exit(runLoop())
	case task != "":
		exit(runWriter(task))
	case os.Getenv(inside) != "":
		if err := ownMounts(); err != nil {
			exit(err)
		}
		os.Exit(m.Run())
	}
	// The kernel kills the child when this thread ends.
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		err = fmt.Errorf("making namespaces, for which it must be root: %w", err)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc for the new process numbers: %w", err)
	}
	return nil
}
