// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module is what the import paths of this module begin with.
const module = "github.com/retune-tv/plexauthd"

// Build builds programs of cmd/ into dir, with these flags of go build. A daemon
// that they start may ask plex.tv as often as a test has it.
func Build(dir string, flags []string, programs ...string) error {
	args := append([]string{"build", "-ldflags", "-X main.pace=none"}, flags...)
	args = append(args, "-o", dir+"/")
	for _, program := range programs {
		args = append(args, module+"/cmd/"+program)
	}
	return run(exec.Command("go", args...))
}

// Release builds plexauthd as make does, with these variables of the Makefile:
// "NAME=value".
func Release(t testing.TB, variables ...string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "plexauthd")
	cmd := exec.Command("sh", append([]string{"-ec", `program=$1
shift
build=$(make -s --no-print-directory -C "$(go list -m -f '{{.Dir}}')" print-build "$@")
eval "$build -o '$program' ` + module + `/cmd/plexauthd"`, "sh", program}, variables...)...)
	cmd.Env = append(os.Environ(), "MAKELEVEL=", "MAKEFLAGS=") // not of the make that runs the tests
	if err := run(cmd); err != nil {
		t.Fatal(err)
	}
	return program
}

// MustRun runs a command that has to succeed, and returns what it prints to
// standard output.
func MustRun(t testing.TB, cmd *exec.Cmd) (printed string) {
	t.Helper()
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", cmd.Args, err, out, &complaints)
	}
	return string(out)
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w\n%s", cmd.Args, err, out)
	}
	return nil
}
