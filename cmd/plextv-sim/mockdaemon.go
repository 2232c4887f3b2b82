// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long the daemon may take to stop; it promises a second.
const stopTimeout = 5 * time.Second

// child is the daemon as a process, with a directory that it may fill.
type child struct {
	dir   string
	cmd   *exec.Cmd
	err   error         // how it ended; read it after ended is closed
	ended chan struct{} // closed when it has ended
}

// startDaemon starts plexauthd with nothing of this machine's plexauthd: neither
// its configuration nor its state.
func startDaemon(s mockSettings, plexURL string) (*child, error) {
	program, err := findDaemon(s.plexauthd)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "plexauthd-mock-")
	if err != nil {
		return nil, fmt.Errorf("making a place for the state: %w", err)
	}
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &child{dir: dir, ended: make(chan struct{})}
	c.cmd = exec.Command(program, "--bus", s.bus, "--config", config, "--plex-url", plexURL,
		"--state", filepath.Join(dir, "state", "state.toml"), "--log-level", "error")
	c.cmd.Stderr = os.Stderr
	c.cmd.Env = slices.DeleteFunc(os.Environ(), isServiceManagers)
	// Ctrl-C is for us: the daemon ends when we do, also if we are killed.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel takes the end of this thread for ours (prctl(2))
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
		}
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("starting plexauthd: %w", err), os.RemoveAll(dir))
	}
	return c, nil
}

// isServiceManagers tells the variables that speak of the service that we run in.
func isServiceManagers(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY"}, name)
}

// findDaemon looks in this program's directory first: the two are built together.
func findDaemon(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if self, err := os.Executable(); err == nil {
		sibling := filepath.Join(filepath.Dir(self), "plexauthd")
		if _, err := os.Stat(sibling); err == nil {
			return sibling, nil
		}
	}
	found, err := exec.LookPath("plexauthd")
	if err != nil {
		return "", errors.New("there is no plexauthd in this program's directory or in PATH: name it with --plexauthd")
	}
	return found, nil
}

// failure tells how the daemon has ended by itself, and tidies up.
func (c *child) failure() error {
	c.stop()
	return fmt.Errorf("plexauthd has ended (%s), see above", c.cmd.ProcessState)
}

// stop ends the daemon and removes what it has stored.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // or it has ended
	select {
	case <-c.ended:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	_ = os.RemoveAll(c.dir)
}
