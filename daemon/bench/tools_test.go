// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
			flags := output(t, "pkg-config", append([]string{"--cflags", "--libs"}, libraries...)...)
			args = append(args, strings.Fields(flags)...)
		}
		output(t, "gcc", args...)
		return program
	}
	build := func(name string) string {
		program := filepath.Join(dir, name)
		output(t, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./contenders/"+name)
		return program
	}
	return tools{
		load: compile("load.c"), start: compile("start.c"),
		sdbus: compile("sdbus.c", "libsystemd"), gdbus: compile("gdbus.c", "gio-2.0", "libsystemd"), godbus: build("godbus"),
		dbusPython: "contenders/dbus_python.py", jeepney: "contenders/jeepney_service.py",
		nothing: build("nothing"), rawbus: build("rawbus"), asktls: build("asktls"),
	}
}

// output runs a program that must succeed.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaints.String())
	}
	return string(out)
}
