// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// tools are the programs that plexauthd is measured with.
type tools struct {
	load, start                               string
	sdbus, gdbus, dbusPython, jeepney, godbus string
	nothing, rawbus, asktls                   string // the least that a program in Go takes
}

// buildTools builds them as distributions do: optimized, and stripped.
func buildTools(t testing.TB) tools {
	t.Helper()
	dir := t.TempDir()
	compile := func(source string, libraries ...string) string {
		program := filepath.Join(dir, strings.TrimSuffix(source, ".c"))
		args := []string{"-O2", "-s", "-Wall", "-Wextra", "-o", program, filepath.Join("contenders", source)}
		if len(libraries) > 0 {
			flags := daemontest.MustRun(t, exec.Command("pkg-config", append([]string{"--cflags", "--libs"}, libraries...)...))
			args = append(args, strings.Fields(flags)...)
		}
		daemontest.MustRun(t, exec.Command("gcc", args...))
		return program
	}
	build := func(name string) string {
		program := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./contenders/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		daemontest.MustRun(t, cmd)
		return program
	}
	return tools{
		load: compile("load.c"), start: compile("start.c"),
		sdbus: compile("sdbus.c", "libsystemd"), gdbus: compile("gdbus.c", "gio-2.0", "libsystemd"), godbus: build("godbus"),
		dbusPython: "contenders/dbus_python.py", jeepney: "contenders/jeepney_service.py",
		nothing: build("nothing"), rawbus: build("rawbus"), asktls: build("asktls"),
	}
}
