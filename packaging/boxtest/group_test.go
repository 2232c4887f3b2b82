// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// makeUserdbGroup has the access group, with one member, in systemd's userdb alone.
const makeUserdbGroup = `
groupdel plexauth
mkdir -p /etc/userdb
echo '{"groupName":"plexauth","gid":70001,"disposition":"system"}' > /etc/userdb/plexauth.group
ln -s plexauth.group /etc/userdb/70001.group
echo '{}' > /etc/userdb/other:plexauth.membership # an empty file counts as none
sed -i '/^group:/d' /etc/nsswitch.conf
echo 'group: files systemd' >> /etc/nsswitch.conf
busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
journalctl --rotate
journalctl --vacuum-time=1s
systemctl restart plexauthd`

// The daemon is linked statically: it has to ask others about groups that are not
// in /etc/group, from within its sandbox.
func TestGroupThatOnlyUserdbKnows(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Run(t, "sh", "-ec", makeUserdbGroup)
		b.checkRow(t, "other", asMember)
		b.checkRow(t, "no", asOther)
		const found = "the group plexauth has been found"
		b.WaitFor(t, found, func() bool {
			return slices.ContainsFunc(b.journal(t, "SYSLOG_IDENTIFIER", "plexauthd"), func(e entry) bool {
				return e["MESSAGE"] == found && e["PLEXAUTHD_SOURCE"] == "getent"
			})
		})
		bootedtest.MustEqual(t, "complaints", strings.Join(b.complaints(t), "\n"), "")
		out, err := b.As("other", "plexauthctl", "doctor").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "this user is a member of plexauth") {
			t.Errorf("the doctor does not find the group: %v: %s", err, out)
		}
		if out, err := b.As("no", "busctl", "call", names.Bus, names.Path, names.Main, "RequestPin").CombinedOutput(); err == nil {
			t.Errorf("a stranger has paired: %s", out)
		}
	})
}
