// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"fmt"
	"syscall"
	"time"
)

func userOf(round int) string { return fmt.Sprintf("Ada %d", round) }

// signInOverRestart signs a user in, with the daemon killed at a moment that
// differs from round to round, and returns when it runs again and has the token.
func (b *box) signInOverRestart(round int, all examples) {
	b.Helper()
	code := b.requestPin()
	claim := func() { b.claim(code, userOf(round)) }
	if round%6 != 0 {
		all.await(asksFor(code))
	}
	switch round % 6 {
	case 0: // while the examples ask for a code
		b.restart(nil)
		claim()
	case 1: // while everybody waits
		b.restart(nil)
		claim()
	case 2: // the claim comes while there is no daemon
		b.restart(claim)
	case 3: // while the daemon learns of the claim, sooner or later in doing so
		claim()
		<-time.After(time.Duration(round) * time.Millisecond)
		b.restart(nil)
	case 4: // while the examples read who it is
		claim()
		b.awaitSignIn()
		b.restart(nil)
	case 5: // while they are slow; and only its return shows the daemon
		all.signal(syscall.SIGSTOP)
		claim()
		b.awaitSignIn()
		b.daemon.End()
		all.signal(syscall.SIGCONT)
		all.await("Waiting for plexauthd.")
		b.plexIsDown()
		b.startDaemon()
	}
	for status, err := b.watch.State(b.Context()); !status.Authenticated; status, err = b.watch.State(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		b.awaitSignIn()
	}
}

// restart kills the daemon and starts it again.
func (b *box) restart(meanwhile func()) {
	b.Helper()
	b.daemon.End()
	if meanwhile != nil {
		meanwhile()
	}
	b.startDaemon()
}
