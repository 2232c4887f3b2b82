// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestABusThatWantsDescriptorsNegotiated(t *testing.T) {
	b := newBox(t, setup{bus: bustest.Picky(t, bustest.Session(t), true)})
	c := b.client()
	c.requestPin()
	c.signIn(b.token)
}

func TestABusThatDoesNotSayWhoIsCalling(t *testing.T) {
	var lines journal
	b := newBox(t, setup{bus: bustest.Picky(t, bustest.Session(t), false), log: slog.New(slog.NewTextHandler(&lines, nil))})
	const why = "the bus does not identify callers, so all calls are refused: calling GetConnectionCredentials: the bus has ended the connection"
	for range 3 {
		c := b.client()
		c.main("RequestPin").isError(names.ErrFailed, why)
		c.credentials("GetToken").isError(names.ErrFailed, why)
		c.logControl("Set", logControl, "LogLevel", dbus.MakeVariant("debug")).isError(names.ErrFailed, why)
		c.property("State")
	}
	if n := strings.Count(lines.String(), dbusapi.MessageBlind); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
}

// TestDescriptorsDoNotPileUp has another program send 10,000 of them to each
// connection of the daemon, in signals and in calls.
func TestDescriptorsDoNotPileUp(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.main("RequestPin").gives("tsssx") // the daemon asks about the caller
	flood, err := dbus.Connect(b.bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer flood.Close()
	var everybody []string
	if err := flood.BusObject().Call(theBus+".ListNames", 0).Store(&everybody); err != nil {
		t.Fatal(err)
	}
	before := len(openFiles(t))
	const each, rounds = 10, 500 // as signals, and as calls
	fds := make([]dbus.UnixFD, each)
	var daemons []string
	for _, name := range everybody {
		if strings.HasPrefix(name, ":") && !slices.Contains([]string{flood.Names()[0], b.observer.Names()[0], c.conn.Names()[0]}, name) {
			daemons = append(daemons, name)
		}
	}
	if len(daemons) != 2 {
		t.Fatalf("the daemon's connections are %v", daemons)
	}
	for range rounds {
		for _, name := range daemons {
			object := flood.Object(name, names.Path)
			_ = flood.Send(bustest.Signal(name, names.Path, "x.y.Unasked", fds), nil)
			if err := object.CallWithContext(b.ctx, "x.y.Unasked", 0, fds).Err; b.ctx.Err() != nil {
				t.Fatalf("no answer: %v", err)
			}
		}
	}
	if after := openFiles(t); len(after) > before {
		t.Errorf("%d descriptors before, now %d: %v", before, len(after), after)
	}
	c.main("RequestPin").gives("tsssx")
}

// openFiles tells what this process, and so the daemon, has open.
func openFiles(t *testing.T) (files []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name()) // ReadDir's own is gone
		files = append(files, fmt.Sprint(entry.Name(), " ", target))
	}
	return files
}
