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
	all := b.runAll()
	all.await("Waiting for plexauthd.")
	signal(syscall.SIGCONT)
	code := b.requestPin()
	all.await(asksFor(code))
}
