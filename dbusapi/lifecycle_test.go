// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/bus"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestNameIsTaken(t *testing.T) {
	b := newBox(t, setup{})
	_, err := dbusapi.Serve(b.ctx, dbusapi.Options{Open: func() dbusapi.Account { return b.account }, Bus: b.bus.Address})
	if err == nil || !strings.Contains(err.Error(), names.Bus) || !strings.Contains(err.Error(), "running already") {
		t.Errorf("a second daemon: %v", err)
	}
	b.client().main("RequestPin").gives("tsssx")
}

func TestBusDies(t *testing.T) {
	b := newBox(t, setup{})
	select {
	case <-b.service.Gone():
		t.Fatal("gone while the bus is there")
	default:
	}
	b.bus.Stop()
	await(b, b.service.Gone(), "the end of the bus")
}

func TestClose(t *testing.T) {
	b := newBox(t, setup{})
	b.service.Close()
	await(b, b.service.Gone(), "the end")
	next, err := dbusapi.Serve(b.ctx, dbusapi.Options{Open: func() dbusapi.Account { return b.account }, Bus: b.bus.Address})
	if err != nil {
		t.Fatalf("the name was not given back: %v", err)
	}
	next.Close()
}

func TestAddresses(t *testing.T) {
	private := bustest.Session(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", private.Address)
	for address, want := range map[string]string{
		"system":        "",
		private.Address: "",
		"unix:path=/nowhere;tcp:host=::1;" + private.Address: "",
		"unix:guid=0,path=/nowhere":                          `connecting to the bus "unix:guid=0,path=/nowhere": dial unix /nowhere`,
		"unix:abstract=nowhere":                              "dial unix @nowhere",
		"session":                                            "DBUS_SESSION_BUS_ADDRESS is not set",
		"sesion":                                             "not a D-Bus address",
		"tcp:host=127.0.0.1,port=1":                          "not a D-Bus address",
	} {
		conn, err := bus.Connect(address)
		switch {
		case err == nil && want == "":
			_ = conn.Close()
		case err == nil || want == "" || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// gatedBus passes everything on between the daemon and the bus, and can hold
// back what the bus says.
type gatedBus struct {
	address string
	gate    sync.Mutex
	said    bytes.Buffer // all that has passed the gate
}

func newGatedBus(t *testing.T, bus *bustest.Bus) *gatedBus {
	t.Helper()
	g := &gatedBus{}
	g.address = bustest.Gated(t, bus, func(daemon io.Writer, p []byte) (int, error) {
		g.gate.Lock()
		defer g.gate.Unlock()
		g.said.Write(p)
		return daemon.Write(p)
	}).Address
	return g
}

// outcomes tells how calls of a member ended: the daemon's log says so even
// when no caller is there to be told.
type outcomes struct {
	slog.Handler
	member string
	failed chan bool
}

func (o outcomes) Enabled(context.Context, slog.Level) bool { return true }

func (o outcomes) Handle(_ context.Context, r slog.Record) error {
	attrs := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value; return true })
	if r.Message == "call" && attrs["member"].String() == o.member {
		o.failed <- attrs["failed"].Bool()
	}
	return nil
}

func TestUnidentifiedCallerIsRefused(t *testing.T) {
	bus := bustest.Session(t)
	gated := newGatedBus(t, bus)
	log := outcomes{slog.DiscardHandler, "ClearCredentials", make(chan bool, 1)}
	b := newBox(t, setup{bus: bus, address: gated.address, log: slog.New(log)})
	c := b.client()
	c.signIn(b.token)

	gone := make(chan *dbus.Signal, 8)
	b.observer.Signal(gone)
	caller := b.client()
	err := b.observer.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, caller.conn.Names()[0]))
	if err != nil {
		t.Fatal(err)
	}
	gated.gate.Lock()
	caller.start(make(chan *dbus.Call, 1), names.Credentials+".ClearCredentials")
	_ = caller.conn.Close()
	await(b, gone, "the caller's end")
	gated.gate.Unlock()
	if failed := await(b, log.failed, "the end of the call"); !failed || c.property("Authenticated") != true {
		t.Error("somebody whom the bus does not know any more has cleared the credentials")
	}
}
