// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// patience bounds every wait; nothing is measured against it.
const patience = 20 * time.Second

// rig is a machine with a bus, a plex.tv and a place for plexauthd's state.
type rig struct {
	t       testing.TB
	bus     *bustest.Bus
	sim     *plextvsim.Sim
	conn    *dbus.Conn
	signals chan *dbus.Signal
	tools   tools
	daemon  contender
}

// contender is a service that is measured.
type contender struct {
	name    string
	bus     string // its name there
	command []string
	env     []string
}

func newRig(t testing.TB, tools tools, daemon string) *rig {
	t.Helper()
	dir, sim := t.TempDir(), plextvsim.New(plextvsim.Options{})
	plex := sim.StartTLS()
	t.Cleanup(func() { plex.Close() })
	authority := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(authority, plex.CAPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, bus: bustest.Session(t), sim: sim, tools: tools, signals: make(chan *dbus.Signal, 1000)}
	r.daemon = contender{
		name: "plexauthd", bus: names.Bus, env: []string{"SSL_CERT_FILE=" + authority},
		command: []string{daemon, "--bus", r.bus.Address, "--state", filepath.Join(dir, "state.toml"), "--plex-url", plex.URL},
	}
	conn, err := dbus.Connect(r.bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r.conn = conn
	conn.Signal(r.signals)
	if err := conn.AddMatchSignal(dbus.WithMatchObjectPath(names.Path)); err != nil {
		t.Fatal(err)
	}
	return r
}

// others are the contenders that plexauthd is compared with, which answer with
// these headers.
func (r *rig) others(headers map[string]string) []contender {
	var list []string
	for name, value := range headers {
		list = append(list, name, value)
	}
	programs := []struct {
		name    string
		command []string
	}{
		{"sd-bus C", []string{r.tools.sdbus}},
		{"GDBus C", []string{r.tools.gdbus}},
		{"dbus-python", []string{"/usr/bin/python3", r.tools.dbusPython}},
		{"jeepney, Python", []string{"/usr/bin/python3", r.tools.jeepney}},
		{"godbus", []string{r.tools.godbus}},
	}
	var all []contender
	for i, p := range programs {
		bus := fmt.Sprintf("tv.retune.bench.Contender%d", i)
		all = append(all, contender{p.name, bus, slices.Concat(p.command, []string{bus}, list), nil})
	}
	return all
}

func (r *rig) prepared(cmd *exec.Cmd, c contender) *exec.Cmd {
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+r.bus.Address)
	cmd.Env = append(cmd.Env, c.env...)
	cmd.Stderr = r.t.Output()
	return cmd
}

// process is a running contender.
type process struct {
	contender
	pid int
	end func()
}

// run starts a contender and waits until it has its name.
func (r *rig) run(c contender) *process {
	r.t.Helper()
	cmd := r.prepared(exec.Command(c.command[0], c.command[1:]...), c)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	end := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	r.t.Cleanup(end)
	r.awaitOwner(c.bus, true)
	return &process{c, cmd.Process.Pid, end}
}

// awaitOwner waits until a name on the bus has an owner, or none.
func (r *rig) awaitOwner(name string, wanted bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(time.Millisecond) {
		var owned bool
		if err := r.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned); err != nil {
			r.t.Fatal(err)
		}
		if owned == wanted {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: has owner: %v", name, owned)
		}
	}
}

// call calls a member of the daemon: "Credentials.GetAuthHeaders", "RequestPin".
func (r *rig) call(member string) *dbus.Call {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	call := r.conn.Object(names.Bus, names.Path).CallWithContext(ctx, names.Bus+"."+member, 0)
	if call.Err != nil {
		r.t.Fatalf("%s: %v", member, call.Err)
	}
	return call
}

func (r *rig) awaitSignal(member string) {
	r.t.Helper()
	for {
		select {
		case s := <-r.signals:
			if strings.HasSuffix(s.Name, "."+member) {
				return
			}
		case <-time.After(patience):
			r.t.Fatalf("no signal %s", member)
		}
	}
}

// requestPin starts a pairing and gives its code.
func (r *rig) requestPin() (code string) {
	r.t.Helper()
	var id uint64
	var link, uri string
	var expires int64
	if err := r.call("RequestPin").Store(&id, &code, &link, &uri, &expires); err != nil {
		r.t.Fatal(err)
	}
	return code
}

func (r *rig) claim(code string) {
	r.t.Helper()
	if err := r.sim.Claim(code, r.sim.AddUser(plextvsim.User{})); err != nil {
		r.t.Fatal(err)
	}
}

// signedIn runs plexauthd, pairs it as a person would and gives its headers.
func (r *rig) signedIn() (*process, map[string]string) {
	r.t.Helper()
	p := r.run(r.daemon)
	r.claim(r.requestPin())
	r.awaitSignal("AuthChanged")
	var headers map[string]string
	if err := r.call("Credentials.GetAuthHeaders").Store(&headers); err != nil || len(headers) != 9 {
		r.t.Fatalf("%d headers: %v", len(headers), err)
	}
	return p, headers
}

// load prepares contenders/load.c, whose connections say Hello and then message.
func (r *rig) load(message []byte, args ...any) *exec.Cmd {
	r.t.Helper()
	socket, _, _ := strings.Cut(strings.TrimPrefix(r.bus.Address, "unix:path="), ",")
	cmd := exec.Command(r.tools.load, socket)
	for _, arg := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(arg))
	}
	hello := r.message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
	cmd.Stdin = bytes.NewReader(slices.Concat(hello, message))
	return r.prepared(cmd, contender{})
}

// message is a call as it travels.
func (r *rig) message(to, path, iface, member string, args ...any) []byte {
	r.t.Helper()
	var raw bytes.Buffer
	err := (&dbus.Message{Type: dbus.TypeMethodCall, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(to),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(path)),
		dbus.FieldInterface:   dbus.MakeVariant(iface),
		dbus.FieldMember:      dbus.MakeVariant(member),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(args...)),
	}}).EncodeTo(&raw, binary.LittleEndian)
	if err != nil {
		r.t.Fatal(err)
	}
	raw.Bytes()[8] = 1 // the serial
	return raw.Bytes()
}
