// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// sealWith has systemd pass the key, which anybody may make up, to the service.
func (b *box) sealWith(t *testing.T, key string) {
	t.Helper()
	b.Write(t, "/root/key", key)
	b.dropIn(t, "LoadCredential=plexauthd.key:/root/key")
}

// mustBeSealed checks that no file next to the state shows the token.
func (b *box) mustBeSealed(t *testing.T, token string) {
	t.Helper()
	b.Run(t, "grep", "-q", `^token = "sealed:v1:`, stateFile)
	search := b.Command("grep", "-rlFf", "-", "/var/lib/plexauthd")
	search.Stdin = strings.NewReader(token)
	if out, err := search.CombinedOutput(); err == nil || len(out) > 0 {
		t.Errorf("the token is on the disk, in %s", out)
	}
}

func TestSealedSignInSurvivesRestart(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.sealWith(t, strings.Repeat("4b", 32)+"\n")
	b.Run(t, "systemctl", "restart", "plexauthd")
	token := b.signIn(t)
	b.mustBeSealed(t, token)
	b.Run(t, "systemctl", "restart", "plexauthd")
	b.WaitFor(t, "the token to be checked", func() bool { return b.State() == "signed-in" })
	bootedtest.MustEqual(t, "token after the restart", b.token(t), token)
	b.mustBeSealed(t, token)
}

func TestSealedWithAnotherKeyIsLeftAlone(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	right := strings.Repeat("k", 32)
	b.sealWith(t, right)
	b.Run(t, "systemctl", "restart", "plexauthd")
	token := b.signIn(t)
	b.Run(t, "systemctl", "stop", "plexauthd")
	sealed := b.Run(t, "sha256sum", stateFile)
	for what, pass := range map[string]func(){
		"wrong": func() { b.sealWith(t, strings.Repeat("w", 32)) },
		"no":    func() { b.dropIn(t, "") },
	} {
		pass()
		b.Run(t, "systemctl", "restart", "plexauthd")
		b.servesBroken(t)
		b.says(t, "is sealed and cannot be opened")
		if status := b.Unit("StatusText"); !strings.Contains(status, "is sealed and cannot be opened") {
			t.Errorf("with %s key the status is %q", what, status)
		}
		b.mustNotStore(t)
		bootedtest.MustEqual(t, "the file", b.Run(t, "sha256sum", stateFile), sealed)
	}
	b.sealWith(t, right)
	b.Run(t, "systemctl", "restart", "plexauthd")
	bootedtest.MustEqual(t, "token with the right key", b.token(t), token)
}

// systemd does not start what it cannot give its credentials to.
func TestKeyThatSystemdDoesNotHaveEndsTheRestarts(t *testing.T) {
	for _, setting := range []string{"LoadCredential=plexauthd.key:/root/nowhere", "LoadCredentialEncrypted=plexauthd.key:/etc/hostname"} {
		b := bootWithPlex(t, bootedtest.Options{})
		token := b.signIn(t)
		b.dropIn(t, "RestartSec=20ms\n"+setting)
		_, _ = b.Try("systemctl", "restart", "plexauthd")
		b.hasGivenUp(t, "243")
		b.dropIn(t, "")
		b.Run(t, "systemctl", "reset-failed", "plexauthd")
		b.Run(t, "systemctl", "start", "plexauthd")
		bootedtest.MustEqual(t, "token without a key", b.token(t), token)
	}
}

// mustNotStore checks that what would have to be stored is refused.
func (b *box) mustNotStore(t *testing.T) {
	t.Helper()
	out, err := b.Try("dbus-send", "--system", "--print-reply", "--dest="+names.Bus, names.Path, names.Main+".RequestPin")
	if err == nil || !strings.HasPrefix(out, "Error "+names.ErrorPrefix+"StorageFailed: ") {
		t.Errorf("RequestPin answered %q", out)
	}
}
