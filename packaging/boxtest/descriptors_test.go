// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// Everybody may send signals with descriptors to the connection that has agreed to
// them. The daemon keeps none of them.
func TestDescriptorsDoNotPileUp(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.call(t, names.Credentials, "GetAuthHeaders") // the daemon asks about the caller
		pid := b.Unit("MainPID")
		before := b.openFiles(t, pid)
		out, err := b.As("other", "probe", "flood", pid, "10000").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "2" {
			t.Fatalf("not both connections were flooded: %v: %s", err, out)
		}
		// The answer about a new caller comes behind all of them.
		b.call(t, names.Credentials, "GetAuthHeaders")
		if after := b.openFiles(t, pid); after > before {
			t.Errorf("%d descriptors more are open", after-before)
		}
		bootedtest.MustEqual(t, "process", b.Unit("MainPID"), pid)
	})
}

func (b *box) openFiles(t *testing.T, pid string) int {
	t.Helper()
	files, err := os.ReadDir(b.Path("/proc/" + pid + "/fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// polkit 126 and newer takes a descriptor for the caller's process, where the bus
// gives one.
func TestPolkitIsToldTheProcess(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Write(t, "/etc/polkit-1/rules.d/10-box.rules", polkitRules)
		b.Run(t, "systemctl", "restart", "polkit")
		version := b.polkitVersion(t) // once it answers, it is on the bus
		kind := `STRING "system-bus-name";`
		if b.givesProcess(t) && version >= 126 {
			kind = `UNIX_FD`
		}
		t.Logf("polkit %d should be told by %s", version, kind)
		b.Run(t, "systemd-run", "--quiet", "--unit=monitor", "--property=StandardOutput=file:/run/seen",
			"busctl", "monitor", "--match=member=CheckAuthorization")
		b.WaitFor(t, "a question to polkit by "+kind, func() bool { // the monitor may not be there yet
			if out, err := b.As("yes", "busctl", "call", names.Bus, names.Path, names.Credentials, "GetAuthHeaders").CombinedOutput(); err != nil {
				t.Fatalf("polkit has not let somebody in: %v: %s", err, out)
			}
			seen, _ := os.ReadFile(b.Path("/run/seen"))
			return strings.Contains(string(seen), kind)
		})
	})
}

// givesProcess tells whether the bus gives descriptors of processes.
func (b *box) givesProcess(t *testing.T) bool {
	t.Helper()
	return strings.Contains(b.Run(t, "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
		"GetConnectionCredentials", "s", "org.freedesktop.PolicyKit1"), "ProcessFD")
}

func (b *box) polkitVersion(t *testing.T) int {
	t.Helper()
	out := b.Run(t, "busctl", "get-property", "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
		"org.freedesktop.PolicyKit1.Authority", "BackendVersion")
	number, _, _ := strings.Cut(strings.Trim(strings.TrimPrefix(out, "s "), `"`), ".")
	version, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("polkit's version is %q", out)
	}
	return version
}
