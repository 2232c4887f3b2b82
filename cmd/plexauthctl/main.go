// SPDX-License-Identifier: Apache-2.0

// Command plexauthctl is plexauthd for people: it signs this box in to Plex, shows
// its status and signs it out again. See plexauthctl --help.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jonboulle/clockwork"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{clock: clockwork.NewRealClock(), stdin: stdin, out: &output{w: stdout}, stderr: stderr}
	return p.run(ctx, args)
}
