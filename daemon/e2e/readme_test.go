// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// blocks are the code blocks of the README in one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text := daemontest.Read(t, "../../README.md")
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("the README has no %s", language)
	}
	return found
}

// TestExamples runs the programs of the README as they stand there: they ask
// for a PIN, somebody claims it, they say so. What others signal they ignore.
func TestExamples(t *testing.T) {
	for language, prepare := range map[string]func(t *testing.T, source string) *exec.Cmd{
		"python": python, "c": compileC, "go": compileGo,
	} {
		t.Run(language, func(t *testing.T) {
			cmd := prepare(t, blocks(t, language)[0])
			b := newBox(t)
			b.Start()
			cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+b.Bus.Address)
			var out daemontest.Output
			cmd.Stdout, cmd.Stderr = &out, &out
			f := b.Frontend()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			f.Await("PropertiesChanged") // the pairing
			forgeAuthChanged(f)
			_, code := f.RequestPin()
			if err := b.Sim.Claim(code, b.Sim.AddUser(plextvsim.User{Title: "Ada"})); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			if text := out.String(); !strings.Contains(text, code) || !strings.Contains(text, "\nsigned in") {
				t.Errorf("it printed\n%s", text)
			}
		})
	}
}

// forgeAuthChanged signals AuthChanged(false) as plexauthd would, to everybody
// and to each connection.
func forgeAuthChanged(f *daemontest.Frontend) {
	f.Helper()
	var connections []string
	if err := f.Conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&connections); err != nil {
		f.Fatal(err)
	}
	for _, to := range append(connections, "") {
		f.Conn.Send(bustest.Signal(to, names.Path, names.Main+".AuthChanged", false, map[string]dbus.Variant{}), nil)
	}
}

// python needs Debian's interpreter, which has Debian's modules.
func python(t *testing.T, source string) *exec.Cmd {
	return exec.Command("/usr/bin/python3", "-c", source)
}

func compileC(t *testing.T, source string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	file, program := filepath.Join(dir, "plex.c"), filepath.Join(dir, "plex")
	daemontest.Write(t, file, source)
	daemontest.MustRun(t, exec.Command("sh", "-c", fmt.Sprintf("cc -Wall -o %s %s $(pkg-config --cflags --libs libsystemd)", program, file)))
	return exec.Command(program)
}

// compileGo builds inside this module: the example imports it.
func compileGo(t *testing.T, source string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "plex")
	daemontest.Write(t, file, source)
	daemontest.MustRun(t, exec.Command("go", "build", "-o", program, file))
	return exec.Command(program)
}

// TestConfigurations checks the configurations of the README as the daemon would.
func TestConfigurations(t *testing.T) {
	for _, text := range blocks(t, "toml") {
		file := filepath.Join(t.TempDir(), "config.toml")
		daemontest.Write(t, file, text)
		daemontest.MustRun(t, exec.Command(filepath.Join(programs, "plexauthd"), "--check-config", "--config", file))
	}
}
