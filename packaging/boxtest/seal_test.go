// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

const (
	credential = "/etc/credstore.encrypted/plexauthd.key"
	hostKey    = "/var/lib/systemd/credential.secret"
)

// refusesToSeal runs plexauthctl seal, which must fail and change nothing.
func (b *box) refusesToSeal(t *testing.T, says string, args ...string) {
	t.Helper()
	const look = `find /etc/credstore.encrypted /etc/systemd/system/plexauthd.service.d ` + hostKey + ` -type f -exec sha256sum {} + 2>/dev/null || true`
	before := b.Run(t, "sh", "-c", look)
	out, err := b.Try("plexauthctl", append([]string{"seal"}, args...)...)
	if err == nil || !strings.Contains(out, says) || strings.Count(out, "\n") > 0 {
		t.Errorf("seal %q: %v, want one line with %q", args, err, says)
	}
	bootedtest.MustEqual(t, "files after that", b.Run(t, "sh", "-c", look), before)
}

func TestSeal(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	token := b.signIn(t)
	b.Run(t, "grep", "-qFe", token, stateFile)
	said := b.Run(t, "plexauthctl", "seal")
	for _, want := range []string{credential + " has a new key", "it opens", "systemctl daemon-reload && systemctl restart plexauthd"} {
		if !strings.Contains(said, want) {
			t.Errorf("seal said %q, want %q", said, want)
		}
	}
	b.Run(t, "sh", "-ec", "systemctl daemon-reload && systemctl restart plexauthd")
	b.mustBeSealed(t, token)
	bootedtest.MustEqual(t, "token that was there before", b.token(t), token)
	bootedtest.MustEqual(t, "what systemd-analyze verify says", b.Run(t, "systemd-analyze", "verify", "plexauthd.service"), "")
	key := b.Run(t, "sha256sum", credential)
	if said := b.Run(t, "plexauthctl", "seal"); !strings.Contains(said, "keeps its key") || strings.Contains(said, "Next") {
		t.Errorf("the second time seal said %q", said)
	}
	if printed, err := b.Command("plexauthctl", "seal", "--json").Output(); err != nil || !json.Valid(printed) {
		t.Errorf("the third time seal printed %q: %v", printed, err)
	}
	bootedtest.MustEqual(t, "the key", b.Run(t, "sha256sum", credential), key)
	bootedtest.MustEqual(t, "the kind of file", b.Run(t, "stat", "-c", "%a %U", credential), "600 root")

	b.Run(t, "mv", "/etc/machine-id", "/root/machine-id")
	b.Write(t, "/etc/machine-id", strings.Repeat("ab", 16)+"\n")
	b.refusesToSeal(t, "was made under another machine-id")
	b.Run(t, "mv", "/root/machine-id", "/etc/machine-id")
	b.Run(t, "systemctl", "restart", "plexauthd")
	bootedtest.MustEqual(t, "token with the old machine-id", b.token(t), token)
	b.Run(t, "mv", credential, "/root/key")
	b.refusesToSeal(t, stateFile+" is sealed already")
}

func TestSealSaysWhyNot(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.addUsers(t)
	b.Run(t, "systemd-creds", "setup") // which the first use of systemd-creds does anyway
	out, err := b.As("member", "plexauthctl", "seal").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "run plexauthctl seal as root") {
		t.Errorf("as a user: %v: %s", err, out)
	}
	b.refusesToSeal(t, "is kept in memory", "--credential", "/run/plexauthd.key")
	b.refusesToSeal(t, "systemd-creds encrypt: ", "--with-key=tpm2") // there is none in a box
	b.refusesToSeal(t, "--with-key: use host, tpm2 or host+tpm2", "--with-key=auto")
	b.Run(t, "sh", "-ec", "mount --bind /etc /etc && mount -o remount,bind,ro /etc")
	b.refusesToSeal(t, "read-only file system: name a place that lasts with --credential")
	b.Run(t, "sh", "-ec", "umount /etc && mount -t tmpfs tmpfs /var/lib/systemd")
	b.refusesToSeal(t, hostKey+" is kept in memory (tmpfs)")
	b.Run(t, "umount", "/var/lib/systemd")
	b.sealWith(t, strings.Repeat("k", 32))
	b.refusesToSeal(t, "passes another key already")
}

// imageThatSeals is what sealed.conf says about an image.
const imageThatSeals = `
cd /usr/share/doc/plexauthd/examples
install -D -m 0644 -t /usr/lib/systemd/system/plexauthd.service.d sealed.conf
install -D -m 0644 -t /usr/lib/systemd/system plexauthd-seal.service
systemctl daemon-reload
systemctl enable plexauthd-seal.service
systemctl stop plexauthd`

func TestAnImageMakesItsKeyAtFirstBoot(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "sh", "-ec", imageThatSeals)
	bootedtest.MustEqual(t, "what systemd-analyze verify says", b.Run(t, "systemd-analyze", "verify", "plexauthd-seal.service"), "")
	b.Run(t, "systemctl", "start", "plexauthd")
	token := b.signIn(t)
	b.mustBeSealed(t, token)
	key := b.Run(t, "sha256sum", credential)
	b.Run(t, "systemctl", "stop", "plexauthd", "plexauthd-seal") // another boot
	b.Run(t, "systemctl", "start", "plexauthd")
	bootedtest.MustEqual(t, "token after the restart", b.token(t), token)
	bootedtest.MustEqual(t, "the key", b.Run(t, "sha256sum", credential), key)
}

func TestAnImageWithoutItsKeyDoesNotStart(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "sh", "-ec", imageThatSeals+`
		mkdir -p -m 0700 /etc/credstore.encrypted
		mount -t tmpfs tmpfs /etc/credstore.encrypted`)
	if out, err := b.Try("systemctl", "start", "plexauthd"); err == nil || !strings.Contains(out, "dependency") {
		t.Errorf("%v: %s", err, out)
	}
	if said := b.Run(t, "journalctl", "--unit=plexauthd-seal", "--output=cat"); !strings.Contains(said, "is kept in memory") {
		t.Errorf("the journal says %q", said)
	}
}
