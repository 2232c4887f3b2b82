// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// box is a box to seal, with the machine's own systemd-creds, a host key of its own
// and no TPM.
type box struct {
	*testing.T
	Options
	dir string
}

// unit is what systemctl cat shows of a service that gets no key.
const unit = "# /usr/lib/systemd/system/plexauthd.service\n[Service]\nExecStart=/usr/sbin/plexauthd\n"

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{T: t, dir: t.TempDir()}
	b.Options = optionsIn(b.dir)
	t.Setenv("SYSTEMD_CREDENTIAL_SECRET", b.hostKey)
	t.Setenv("PATH", b.path("bin")+":"+os.Getenv("PATH"))
	for _, name := range []string{"etc", "lib", "tpms", "bin"} {
		if err := os.Mkdir(b.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.showUnit(unit)
	return b
}

// optionsIn has everything that is made below dir.
func optionsIn(dir string) Options {
	return Options{
		Credential: filepath.Join(dir, "etc/credstore.encrypted/plexauthd.key"),
		State:      filepath.Join(dir, "lib/plexauthd/state.toml"),
		DropIn:     filepath.Join(dir, "etc/plexauthd.service.d/sealed.conf"),
		hostKey:    filepath.Join(dir, "lib/credential.secret"),
		machineID:  "/etc/machine-id", // which systemd-creds itself looks at
		tpms:       filepath.Join(dir, "tpms"),
		booted:     dir,
		// The directory for tests may be in memory.
		inMemory: func(string) (string, error) { return "", nil },
	}
}

func (b *box) path(name string) string { return filepath.Join(b.dir, name) }

func (b *box) write(path, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		b.Fatal(err)
	}
}

func (b *box) read(path string) string {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// showUnit is what systemctl is to say.
func (b *box) showUnit(text string) {
	b.Helper()
	b.write(b.path("unit"), text)
	b.write(b.path("bin/systemctl"), "#!/bin/sh\n[ \"$*\" = 'cat plexauthd.service' ] && exec cat '"+b.path("unit")+"'\n")
}

func (b *box) bounded() context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	b.Cleanup(cancel)
	return ctx
}

func (b *box) make() Result {
	b.Helper()
	r, err := b.Make(b.bounded())
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// refuses checks that nothing is made or changed, and what is said.
func (b *box) refuses(says ...string) {
	b.Helper()
	before := b.files()
	_, err := b.Make(b.bounded())
	if err == nil {
		b.Fatal("no error")
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			b.Errorf("%q does not say %q", err, text)
		}
	}
	if after := b.files(); after != before {
		b.Errorf("files have changed, from\n%s\nto\n%s", before, after)
	}
}

// files are all files with what is in them, but for the log of a stand-in.
func (b *box) files() string {
	b.Helper()
	out, err := exec.Command("find", b.dir, "-type", "f", "-not", "-path", b.path("log"), "-exec", "sha256sum", "{}", "+").Output()
	if err != nil {
		b.Fatal(err)
	}
	return string(out)
}

// opened is the key, opened as the service manager does it.
func (b *box) opened() string {
	b.Helper()
	key, err := exec.Command("systemd-creds", "decrypt", "--name=plexauthd.key", b.Credential, "-").Output()
	if err != nil {
		b.Fatalf("%v: %s", err, key)
	}
	return string(key)
}
