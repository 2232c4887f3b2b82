// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// rig is a machine with a bus, a plex.tv and a place for plexauthd's state.
type rig struct {
	*daemontest.Box
	frontend *daemontest.Frontend
	tools    tools
	daemon   contender
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
	r := &rig{Box: daemontest.New(t, daemon, bustest.Roomy(t)), tools: tools}
	r.frontend = r.Frontend()
	r.daemon = contender{
		name: "plexauthd", bus: names.Bus, env: []string{"SSL_CERT_FILE=" + r.Path("ca.pem")},
		command: []string{daemon, "--bus", r.Bus.Address, "--state", r.State, "--plex-url", r.Plex.URL},
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

// floors are programs in Go that do less than plexauthd: what one of them costs, no
// change to plexauthd can save.
func (r *rig) floors(headers map[string]string) floors {
	raw := contender{name: "Go, raw system calls", bus: "tv.retune.bench.Raw"}
	raw.command = []string{r.tools.rawbus, raw.bus}
	for name, value := range headers {
		raw.command = append(raw.command, name, value)
	}
	return floors{
		raw:     raw,
		nothing: contender{name: "Go, nothing at all", command: []string{r.tools.nothing}},
		asked: contender{
			name: "Go, one question over TLS", command: []string{r.tools.asktls, r.Plex.URL + "/api/v2/ping"}, env: r.daemon.env,
		},
	}
}

type floors struct{ raw, nothing, asked contender }

func (r *rig) prepared(cmd *exec.Cmd, c contender) *exec.Cmd {
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+r.Bus.Address)
	cmd.Env = append(cmd.Env, c.env...)
	cmd.Stderr = r.Output()
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
	r.Helper()
	cmd := r.prepared(exec.Command(c.command[0], c.command[1:]...), c)
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	end := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	r.Cleanup(end)
	if c.bus != "" {
		r.frontend.AwaitOwner(c.bus, true)
	}
	return &process{c, cmd.Process.Pid, end}
}

// signedIn runs plexauthd, pairs it as a person would and gives its headers.
func (r *rig) signedIn() (*process, map[string]string) {
	r.Helper()
	p := r.run(r.daemon)
	r.SignIn(r.frontend)
	var headers map[string]string
	if err := r.frontend.Call("Credentials.GetAuthHeaders").Store(&headers); err != nil || len(headers) != 9 {
		r.Fatalf("%d headers: %v", len(headers), err)
	}
	return p, headers
}

// mostServers is how many media servers of an account plexauthd keeps.
const mostServers = 200

// signedInWith runs plexauthd, signed in to an account with so many media servers.
func (r *rig) signedInWith(servers int) *process {
	r.Helper()
	p := r.run(r.daemon)
	resources := make([]plextvsim.Resource, servers)
	for i := range resources {
		resources[i] = plextvsim.SampleResources()[0]
		resources[i].Name = fmt.Sprint("Server ", i)
	}
	r.SignInAs(r.frontend, r.Sim.AddUser(plextvsim.User{Resources: resources}))
	var list []map[string]dbus.Variant
	if err := r.frontend.Call("Credentials.ListServers").Store(&list); err != nil || len(list) != min(servers, mostServers) {
		r.Fatalf("%d servers of %d: %v", len(list), servers, err)
	}
	return p
}

// load prepares contenders/load.c, whose connections say Hello and then message.
func (r *rig) load(message []byte, args ...any) *exec.Cmd {
	r.Helper()
	cmd := exec.Command(r.tools.load, r.Bus.Path())
	for _, arg := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(arg))
	}
	hello := bustest.Call(names.DBus, names.DBus+".Hello")
	cmd.Stdin = bytes.NewReader(slices.Concat(hello, message))
	return r.prepared(cmd, contender{})
}
