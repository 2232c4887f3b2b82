// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sealIn has the test binary seal what is in that directory, as a process.
const sealIn = "PLEXAUTHCTL_SEAL_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(sealIn); dir != "" {
		if _, err := optionsIn(dir).Make(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// traced seals the box under strace and returns the calls to the kernel, of
// systemd-creds too.
func (b *box) traced(more ...string) []string {
	b.Helper()
	out := filepath.Join(b.TempDir(), "strace")
	command := exec.Command("strace", append(more, "-f", "-y", "-s", "300", "-o", out, "-e", "trace=fsync,/rename,execve,mkdirat,write", os.Args[0])...)
	command.Env = append(os.Environ(), sealIn+"="+b.dir)
	if said, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, said)
	}
	return strings.Split(b.read(out), "\n")
}

// TestADurableKeyBeforeItIsUsed: after a power cut at any moment there is no key that
// is cut off, and none that the unit names without what opens it.
func TestADurableKeyBeforeItIsUsed(t *testing.T) {
	b := newBox(t)
	calls := b.traced()
	at := 0
	next := func(parts ...string) {
		t.Helper()
		for i := at; i < len(calls); i++ {
			if containsAll(calls[i], parts) {
				at = i + 1
				return
			}
		}
		t.Fatalf("no %q after call %d of\n%s", parts, at, strings.Join(calls, "\n"))
	}
	dir := filepath.Dir(b.Credential)
	next("mkdirat(", `"`+dir+`", 0700`)
	next("fsync(", "<"+filepath.Dir(dir)+">")
	next("execve(", `"systemd-creds", "encrypt"`)
	next("execve(", `"systemd-creds", "decrypt"`, "/.plexauthd.key")
	next("fsync(", "/.plexauthd.key")
	next("rename", "/.plexauthd.key", `"`+b.Credential+`"`)
	rest := at
	for _, path := range []string{b.Credential, b.hostKey, filepath.Dir(b.hostKey), "/etc/machine-id", dir} {
		at = rest
		next("fsync(", "<"+path+">")
		next("rename", `"`+b.DropIn+`"`)
	}
	next("fsync(", "<"+filepath.Dir(b.DropIn)+">")

	// A key that somebody else made and did not sync.
	rest, calls = 0, b.traced()
	for _, path := range []string{b.Credential, b.hostKey, filepath.Dir(b.hostKey), dir} {
		at = rest
		next("fsync(", "<"+path+">")
	}
}

func containsAll(call string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(call, part) {
			return false
		}
	}
	return true
}

// TestTheKeyGoesThroughPipesAlone looks at the arguments of all that is run, and at
// what is written where.
func TestTheKeyGoesThroughPipesAlone(t *testing.T) {
	b := newBox(t)
	calls := b.traced("-xx") // all texts in hex
	key := inHex(b.opened())
	seen := 0
	for _, call := range calls {
		if !strings.Contains(call, key) {
			continue
		}
		seen++
		if !strings.Contains(call, "write(") || !strings.Contains(call, "<"+inHex("pipe:")) {
			t.Errorf("the key is in %s", call)
		}
	}
	if seen < 2 {
		t.Errorf("the key is seen %d times, though it goes there and back", seen)
	}
}

// inHex is a text as strace writes it then.
func inHex(text string) string { return strings.ReplaceAll(fmt.Sprintf(" % x", text), " ", `\x`) }
