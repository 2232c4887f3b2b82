// SPDX-License-Identifier: Apache-2.0

package bus_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

func TestABusThatSaysNothingIsGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mute")
	mute, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := bus.Connect("unix:path=" + path)
		failed <- err
	}()
	select {
	case err := <-failed:
		if err == nil || !strings.HasSuffix(err.Error(), "it says nothing") {
			t.Errorf("connecting to a bus that says nothing: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still waiting for a bus that says nothing")
	}
}
