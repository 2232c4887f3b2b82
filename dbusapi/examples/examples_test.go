// SPDX-License-Identifier: Apache-2.0

//go:build rig

// Package examples runs the example frontends as a box does: each is built and
// started as its comments say, with the real daemon on a real private bus, with
// real HTTPS to a simulated plex.tv.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// programs are the command lines of all examples, by name. They are built once.
var programs map[string][]string

// daemonProgram is what make has built.
const daemonProgram = "../../bin/unpaced/plexauthd"

// watching has examples go on after a sign-in, and depend on what they hear alone.
var watching = []string{"--watch", "--with-token", "--again", "3600"}

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "examples")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = map[string][]string{
		// Debian's interpreter has Debian's modules.
		"python":         {"/usr/bin/python3", "-B", "python/signin.py"},
		"python-asyncio": {"/usr/bin/python3", "-B", "python/signin_asyncio.py"},
		"go":             {filepath.Join(dir, "go-signin")},
		"qml":            {filepath.Join(dir, "qml", "signin")},
		"gjs":            {"gjs", "-m", "gjs/signin.js"},
		"c":              {filepath.Join(dir, "c-signin")},
	}
	for _, command := range []string{
		"go build -o " + programs["go"][0] + " ./go",
		"cc -std=c11 -O2 -Wall -Wextra -Werror -o " + programs["c"][0] + " c/signin.c $(pkg-config --cflags --libs libsystemd)",
		"mkdir " + dir + "/qml; sources=$PWD/qml; cd " + dir + "/qml; qmake6 $sources/signin.pro; make -s",
	} {
		if out, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
			panic(command + ": " + err.Error() + "\n" + string(out))
		}
	}
	return m.Run()
}

// TestSignIn has a person claim the code that all examples show. Each says who
// it was and ends.
func TestSignIn(t *testing.T) {
	b := newBox(t)
	b.startDaemon()
	all := b.runAll()
	code := b.requestPin()
	all.await(asksFor(code))
	b.claim(code, "Ada")
	for _, e := range all {
		e.Await("Signed in as Ada")
		e.MustEndWell()
	}
}

// TestEveryTokenOverRestarts kills the daemon a hundred times, whatever it and
// the examples are doing at that moment. All examples must get the token of
// each user who signs in meanwhile.
func TestEveryTokenOverRestarts(t *testing.T) {
	const rounds = 100
	b := newBox(t)
	b.startDaemon()
	all := b.runAll(watching...)
	for round := range rounds {
		b.signInOverRestart(round, all)
		token := b.token()
		all.await("Signed in as " + userOf(round) + ", token " + token)
		b.plexIsBack()
		b.clearCredentials()
	}
	t.Logf("%d examples got the token in %d of %d tries", len(all), rounds, rounds)
}

// TestNoDaemon starts the examples before the daemon.
func TestNoDaemon(t *testing.T) {
	b := newBox(t)
	all := b.runAll()
	all.await("Waiting for plexauthd.")
	b.startDaemon()
	code := b.requestPin()
	all.await(asksFor(code))
}

// TestNoPlex has plex.tv out of reach at first: each example says so, and tries
// again without being told.
func TestNoPlex(t *testing.T) {
	for name, command := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.plexIsDown()
			b.startDaemon()
			e := b.run(command)
			e.Await("Plex cannot be reached. Is the network up?")
			b.plexIsBack()
			b.watch.Await("a pairing", func(e client.Event) bool { return e.Status.Pin.ID != 0 })
			e.Await(asksFor(b.requestPin()))
		})
	}
}

// TestNothingPrintsATokenUnasked looks through all that examples print.
func TestNothingPrintsATokenUnasked(t *testing.T) {
	b := newBox(t)
	b.startDaemon()
	b.claim(b.requestPin(), "Ada")
	b.awaitSignIn()
	token := b.token()
	for _, command := range programs {
		e := b.run(command)
		e.Await("Signed in as Ada")
		e.MustEndWell()
		if strings.Contains(e.Printed.String(), token) {
			t.Errorf("%q printed the token", command)
		}
	}
}

// TestBusGoes ends the bus under the examples: they end too, and not well.
func TestBusGoes(t *testing.T) {
	for name, command := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.startDaemon()
			e := b.run(command)
			e.Await(asksFor(b.requestPin()))
			b.Bus.Stop()
			e.MustEndInError()
		})
	}
}

func TestPythonMembers(t *testing.T) {
	b := newBox(t)
	b.startDaemon()
	token := b.Sim.AddUser(plextvsim.User{Title: "Ada", HomeAdmin: true, Resources: []plextvsim.Resource{{
		Name: "Attic", ClientIdentifier: "attic", Owned: true,
		Connections: []plextvsim.Connection{{Address: "192.168.1.10", URI: "http://192.168.1.10:32400", Local: true}},
	}}})
	if _, err := b.Sim.AddHomeUser(token, plextvsim.User{Title: "Bea", Username: "bea", PIN: "2468"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-B", "python/test_members.py")
	cmd.Env, cmd.Stdin = append(os.Environ(), "BUS="+b.Bus.Address), strings.NewReader(token+"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPythonClientHasEveryMember compares what the Python module sends with the
// members in the XML.
func TestPythonClientHasEveryMember(t *testing.T) {
	source := daemontest.Read(t, "python/plexauth/members.py")
	for _, method := range methods(t) {
		if call := `"` + method + `"`; !strings.Contains(source, call) {
			t.Errorf("members.py has no %s", method)
		}
	}
}
