// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"syscall"
	"testing"
)

// TestStoppedDaemon stops the daemon's process before the examples start: each
// says that it waits, once it has waited for 30 s, and goes on with the daemon.
func TestStoppedDaemon(t *testing.T) {
	b := newBox(t)
	b.startDaemon()
	signal := func(s syscall.Signal) {
		if err := b.daemon.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	var all []*example
	for name, command := range programs {
		all = append(all, b.run(name, command))
	}
	for _, e := range all {
		e.await("Waiting for plexauthd.")
	}
	signal(syscall.SIGCONT)
	code := b.requestPin()
	for _, e := range all {
		e.await("Go to https://plex.tv/link and enter " + code)
	}
}
