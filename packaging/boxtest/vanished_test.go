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

// A caller whose connection has gone cannot be checked, and gets what everybody
// gets, whatever the user would be allowed who was there.
func TestVanishedCallerIsNotObeyed(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Write(t, "/etc/polkit-1/rules.d/10-box.rules", polkitRules)
		b.Run(t, "systemctl", "restart", "polkit")
		token := b.signIn(t)
		b.Run(t, "systemctl", "service-log-level", "plexauthd", "debug")
		before := b.Run(t, "cat", stateFile)
		for _, user := range []string{"root", "member", "yes", "other"} {
			t.Run(user, func(t *testing.T) {
				b.mustRefuse(t, b.vanish(t, user))
				bootedtest.MustEqual(t, "state file", b.Run(t, "cat", stateFile), before)
				bootedtest.MustEqual(t, "token", b.token(t), token)
				bootedtest.MustEqual(t, "log level", b.Run(t, "systemctl", "service-log-level", "plexauthd"), "debug")
			})
		}
	})
}

// vanish calls every member as the user from connections that are gone before
// the daemon, which is stopped for that, can ask the bus about them. It returns
// the bus's names of the connections, in the order of the table.
func (b *box) vanish(t *testing.T, user string) (connections []string) {
	t.Helper()
	pid := b.Unit("MainPID")
	b.Run(t, "kill", "-STOP", pid)
	out, err := b.As(user, "probe", "vanish").CombinedOutput()
	b.Run(t, "kill", "-CONT", pid)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	bootedtest.MustEqual(t, "calls", len(lines), len(members))
	for i, line := range lines {
		connection, member, _ := strings.Cut(line, " ")
		bootedtest.MustEqual(t, "member", member, members[i].name)
		connections = append(connections, connection)
	}
	return connections
}

// mustRefuse checks that the daemon got the call of each connection, and that
// all have failed but those that only look.
func (b *box) mustRefuse(t *testing.T, connections []string) {
	t.Helper()
	calls := map[string]entry{}
	b.WaitFor(t, "the calls to be handled", func() bool {
		for _, e := range b.journal(t, "MESSAGE", "call") {
			calls[e["PLEXAUTHD_CALLER"]] = e
		}
		return !slices.ContainsFunc(connections, func(c string) bool { return calls[c] == nil })
	})
	for i, m := range members {
		e := calls[connections[i]]
		method, _, _ := strings.Cut(m.name, " of ")
		bootedtest.MustEqual(t, "call of "+m.name, e["PLEXAUTHD_MEMBER"], method[strings.LastIndex(method, ".")+1:])
		want := "true"
		if m.needs == look && m.answer != names.ErrPropertyReadOnly {
			want = "false"
		}
		bootedtest.MustEqual(t, m.name+" failed", e["PLEXAUTHD_FAILED"], want)
	}
}
