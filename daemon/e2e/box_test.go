// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the built programs as a box does: plexauthd on a real
// private bus, with real HTTPS to a simulated plex.tv and a real state file.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// programs is where TestMain puts what it has built.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		panic(err)
	}
	programs = dir
	boundLives()
	// The race detector has reported already: it does not have to wait for more.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	code := 1
	if err := daemontest.Build(dir, []string{"-race"}, "plexauthd", "plexauthctl", "plextv-sim"); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// box is a machine with the programs.
type box struct{ *daemontest.Box }

func newBox(t testing.TB) *box {
	t.Helper()
	return newBoxOn(t, bustest.Session(t))
}

func newBoxOn(t testing.TB, bus *bustest.Bus) *box {
	t.Helper()
	return &box{daemontest.New(t, filepath.Join(programs, "plexauthd"), bus)}
}
