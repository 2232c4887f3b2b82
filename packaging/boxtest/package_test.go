// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"debug/buildinfo"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// nextRevision makes another revision of the package.
const nextRevision = `dpkg-deb --raw-extract /opt/box/plexauthd.deb /run/next
sed -i 's/^Version: .*/&.next/' /run/next/DEBIAN/control
dpkg-deb -Zgzip -z1 --build --root-owner-group /run/next /run/next.deb`

func (b *box) version(t *testing.T) string {
	t.Helper()
	return b.Run(t, "dpkg-query", "--show", "--showformat=${Version}", "plexauthd")
}

func (b *box) configuration(t *testing.T) string {
	t.Helper()
	return b.Run(t, "cat", "/etc/plexauthd/config.toml")
}

func TestUpgradeRemoveAndPurge(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	token := b.signIn(t)
	bootedtest.MustEqual(t, "who may read the state",
		b.Run(t, "stat", "--format=%U %a", "/var/lib/plexauthd", "/var/lib/plexauthd/state.toml"), "plexauthd 700\nplexauthd 600")

	edited := config + "[identity]\ndevice_name = \"Attic\""
	b.Write(t, "/etc/plexauthd/config.toml", edited)
	before, version := b.Unit("MainPID"), b.version(t)
	b.Run(t, "sh", "-ec", nextRevision)
	b.Run(t, "dpkg", "--install", "/run/next.deb")
	b.WaitForRestart(t, before)
	bootedtest.MustEqual(t, "version", b.version(t), version+".next")
	bootedtest.MustEqual(t, "token after an upgrade", b.token(t), token)
	bootedtest.MustEqual(t, "configuration after an upgrade", b.configuration(t), edited)

	b.Run(t, "dpkg", "--remove", "plexauthd")
	bootedtest.MustEqual(t, "service after removal", b.Unit("ActiveState"), "inactive")
	b.Run(t, "test", "-e", "/var/lib/plexauthd/state.toml")
	bootedtest.MustEqual(t, "configuration after removal", b.configuration(t), edited)
	b.Run(t, "dpkg", "--install", "/run/next.deb")
	bootedtest.MustEqual(t, "configuration after return", b.configuration(t), edited)
	bootedtest.MustEqual(t, "token after removal and return", b.token(t), token)

	b.Run(t, "dpkg", "--purge", "plexauthd")
	for _, gone := range []string{"/var/lib/plexauthd", "/etc/plexauthd", "/usr/sbin/plexauthd", "/etc/systemd/system/multi-user.target.wants/plexauthd.service", "/etc/systemd/system/plexauthd.service"} {
		if _, err := os.Lstat(b.Path(gone)); err == nil {
			t.Errorf("%s is still there after a purge", gone)
		}
	}
}

// An image may have nothing but busybox and what makes users.
func TestScriptsRunWithBusybox(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "systemctl", "stop", "plexauthd")
	b.Run(t, "userdel", "--force", "plexauthd")
	b.Run(t, "groupdel", "plexauth")
	script := `
mount -t tmpfs tmpfs /run
mkdir /run/applets
busybox --install -s /run/applets
ln -s /usr/sbin/useradd /usr/sbin/groupadd /run/applets/
export PATH=/run/applets
set -- /var/lib/dpkg/info/plexauthd
sh $1.postinst configure
sh $1.postinst configure 0.1.0-1
sh $1.prerm upgrade 0.1.1-1
sh $1.postrm upgrade 0.1.1-1
id -u plexauthd
sh $1.prerm remove
sh $1.postrm remove
sh $1.postrm purge
`
	b.Run(t, "unshare", "--mount", "sh", "-ec", script)
	b.Run(t, "getent", "group", "plexauth")
	if _, err := os.Lstat(b.Path("/var/lib/plexauthd")); err == nil {
		t.Error("the state is still there after a purge")
	}
}

func TestUnitIsLockedDown(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "systemd-analyze", "security", "--no-pager", "--threshold=11", "plexauthd.service")
	report := strings.Split(b.Run(t, "systemd-analyze", "security", "--no-pager", "plexauthd.service"), "\n")
	t.Log(report[len(report)-1])
	bootedtest.MustEqual(t, "what systemd-analyze verify says", b.Run(t, "systemd-analyze", "verify", "plexauthd.service"), "")
}

func TestToolsAcceptWhatIsInstalled(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	for _, page := range []string{"plexauthd(8)", "plexauthctl(1)", "plexauthd.toml(5)"} {
		name, section, _ := strings.Cut(strings.TrimSuffix(page, ")"), "(")
		warnings := b.Run(t, "sh", "-c", "man --warnings "+section+" "+name+" 2>&1 >/dev/null")
		bootedtest.MustEqual(t, "warnings of man for "+page, warnings, "")
	}
	b.Run(t, "bash", "-n", "/usr/share/bash-completion/completions/plexauthctl")
	b.Run(t, "grep", "-q", "^#compdef plexauthctl", "/usr/share/zsh/site-functions/_plexauthctl")
	b.Run(t, "grep", "-q", "^complete -c plexauthctl", "/usr/share/fish/vendor_completions.d/plexauthctl.fish")
	actions := b.Run(t, "pkaction")
	for _, action := range []string{"pair", "read-credentials", "manage"} {
		if !strings.Contains(actions, "tv.retune.PlexAuth1."+action) {
			t.Errorf("polkit does not know the action %s", action)
		}
	}
}

// listed finds the commands and long options in what --help prints.
var listed = regexp.MustCompile(`(?m)^  ([a-z]+|   +--[a-z-]+|--[a-z-]+)\b`)

func TestManualsNameEveryOptionAndCommand(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	for _, program := range []string{"plexauthd", "plexauthctl"} {
		manual := b.Run(t, "sh", "-c", "MANWIDTH=200 man "+program+" | col -b")
		for _, name := range listed.FindAllString(b.Run(t, program, "--help"), -1) {
			if name = strings.TrimSpace(name); name != "help" && !strings.Contains(manual, name) {
				t.Errorf("the manual page of %s does not name %q", program, name)
			}
		}
	}
}

// The defaults in the configuration that is installed have to be some.
func TestDefaultsInTheConfigurationAreAccepted(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.Run(t, "sh", "-c", `dpkg-deb --fsys-tarfile /opt/box/plexauthd.deb | tar xO ./etc/plexauthd/config.toml |
		sed '/= ""/d; s/^#\([a-z_]* =\)/\1/' > /run/all.toml`)
	b.Run(t, "grep", "-q", "^timeout", "/run/all.toml")
	b.Run(t, "plexauthd", "--check-config", "--config", "/run/all.toml")
}

// Every module that is linked in must be in the list of copyrights.
func TestCopyrightNamesEveryModule(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	text := b.Run(t, "cat", "/usr/share/doc/plexauthd/copyright")
	for _, program := range []string{"/usr/sbin/plexauthd", "/usr/bin/plexauthctl"} {
		info, err := buildinfo.ReadFile(b.Path(program))
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range info.Deps {
			if !strings.Contains(text, module.Path) {
				t.Errorf("the copyright file does not name %s", module.Path)
			}
		}
	}
}
