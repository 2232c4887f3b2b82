// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/retune-tv/plexauthd/daemon"
)

// TestStopWhileTheBusSaysNothing is no failure, or systemd would call the unit failed.
func TestStopWhileTheBusSaysNothing(t *testing.T) {
	dir := t.TempDir()
	bus, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{Bus: "unix:path=" + filepath.Join(dir, "bus"), StatePath: filepath.Join(dir, "state.toml")})
		_ = bus.Close()
	}()
	if socket, err := bus.Accept(); err == nil {
		defer socket.Close()
		stop()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
