// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// Everything that another user can get to see while a person signs in, and
// while programs read the credentials, holds no secret.
func TestListenerHearsNoSecret(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		heard := listen(t, b.As("other", "probe", "listen"))
		code := b.requestPin(t)
		pin := b.Run(t, "sed", "-n", `s/^plex_id = "\(.*\)"$/\1/p`, stateFile)
		b.claim(t, code)
		token := b.token(t)
		email := b.Run(t, "sed", "-n", `s/^email = "\(.*\)"$/\1/p`, stateFile)
		b.call(t, names.Credentials, "GetStoredCredentials")
		b.call(t, names.Credentials, "GetAuthHeaders")
		b.call(t, names.Credentials, "SignOut")
		b.WaitFor(t, "the box to be signed out", func() bool { return b.State() == "signed-out" })
		text := heard()
		if !strings.Contains(text, "AuthChanged") {
			t.Errorf("the listener did not even hear broadcasts:\n%s", text)
		}
		for what, secret := range map[string]string{"token": token, "name": "sim-user", "PIN id": pin, "e-mail": email} {
			if secret == "" {
				t.Errorf("there is no %s to listen for", what)
				continue
			}
			// A PIN id is a number, which may be within a longer one.
			if regexp.MustCompile(`\b` + regexp.QuoteMeta(secret) + `\b`).MatchString(text) {
				t.Errorf("the listener heard the %s, %q:\n%s", what, secret, text)
			}
		}
	})
}

// listen starts a listener and returns when it listens. The function that it
// returns ends it and tells what it has heard.
func listen(t *testing.T, listener *exec.Cmd) (heard func() string) {
	t.Helper()
	in, inErr := listener.StdinPipe()
	out, outErr := listener.StdoutPipe()
	if err := errors.Join(inErr, outErr, listener.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "listening\n" {
		t.Fatalf("the listener says %q: %v", line, err)
	}
	return func() string {
		_ = in.Close()
		text, err := io.ReadAll(lines)
		if err := errors.Join(err, listener.Wait()); err != nil {
			t.Fatalf("listening: %v", err)
		}
		return string(text)
	}
}
