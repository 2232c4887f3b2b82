// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// Without polkit nobody gets in who would have to be checked by it.
func TestWhoMayCallWithoutPolkit(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Write(t, "/etc/polkit-1/rules.d/10-box.rules", polkitRules)
		b.Run(t, "systemctl", "mask", "--now", "polkit")
		for user, may := range map[string][]action{"root": asRoot, "member": asMember, "other": asOther, "yes": asOther} {
			b.checkRow(t, user, may)
		}
	})
}

// Where polkit is left out of the installation, the bus itself keeps out who is
// neither root nor in the group, and no process of ours is asked.
func TestBusIsClosedWithoutPolkit(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Run(t, "rm", "/usr/share/dbus-1/system.d/tv.retune.PlexAuth1.polkit.conf", "/usr/share/polkit-1/actions/tv.retune.PlexAuth1.policy")
		b.Run(t, "systemctl", "reload", "dbus")
		for user, may := range map[string][]action{"root": asRoot, "member": asMember, "other": asOther} {
			b.checkRow(t, user, may)
		}
		b.Run(t, "systemctl", "kill", "--signal=STOP", "plexauthd")
		out, err := b.As("other", "busctl", "--timeout=5", "call", names.Bus, names.Path, names.Credentials, "GetToken").CombinedOutput()
		if err == nil || strings.Contains(string(out), "timed out") {
			t.Errorf("the call got past the bus: %s", out)
		}
	})
}

// A polkit that does not answer keeps nobody waiting for long, and nobody at
// all who does not need it.
func TestStuckPolkitHoldsNobodyUp(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.addUsers(t)
	b.Run(t, "systemctl", "start", "polkit")
	b.Run(t, "systemctl", "kill", "--signal=STOP", "polkit")
	refused := make(chan string, 1)
	began := time.Now()
	go func() {
		out, _ := b.As("other", "busctl", "--allow-interactive-authorization=no", "call", names.Bus, names.Path, names.Credentials, "GetToken").CombinedOutput()
		refused <- string(out)
	}()
	b.checkRow(t, "member", asMember)
	if took := time.Since(began); took > time.Second {
		t.Errorf("a member of the group waited %v", took)
	}
	if out := <-refused; !strings.Contains(out, "Access denied") {
		t.Errorf("the other user was told %q", out)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the other user waited %v to be refused", took)
	}
}
