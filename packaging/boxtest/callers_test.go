// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5/introspect"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// polkitRules lets the users of the table through, or not.
const polkitRules = `polkit.addRule(function (action, subject) {
    if (action.id.indexOf("tv.retune.PlexAuth1.") != 0) { return polkit.Result.NOT_HANDLED; }
    switch (subject.user) {
    case "yes": return polkit.Result.YES;
    case "no": return polkit.Result.NO;
    case "auth": return polkit.Result.AUTH_ADMIN;
    case "pairs": return action.id == "tv.retune.PlexAuth1.pair" ? polkit.Result.YES : polkit.Result.NO;
    case "reads": return action.id == "tv.retune.PlexAuth1.read-credentials" ? polkit.Result.YES : polkit.Result.NO;
    case "manages": return action.id == "tv.retune.PlexAuth1.manage" ? polkit.Result.YES : polkit.Result.NO;
    }
    return polkit.Result.NOT_HANDLED;
});
`

// action is what a caller needs for a member.
type action string

const (
	look   action = "look"
	pair   action = "pair"
	read   action = "read"
	manage action = "manage"
	tune   action = "tune"
)

// What root and what members of the group may do.
var (
	asRoot   = []action{look, pair, read, manage, tune}
	asMember = []action{look, pair, read, manage}
	asOther  = []action{look}
)

// logControl begins the names of members of the object that has the log level.
const logControl = "org.freedesktop.LogControl1: "

// members is every member with what it needs, and what it answers then on a box
// that nobody is signed in on.
var members = []struct {
	name   string
	needs  action
	answer string
}{
	{"org.freedesktop.DBus.Introspectable.Introspect", look, "ok"},
	{"org.freedesktop.DBus.Peer.Ping", look, "ok"},
	{"org.freedesktop.DBus.Peer.GetMachineId", look, "ok"},
	{"org.freedesktop.DBus.Properties.Get", look, "ok"},
	{"org.freedesktop.DBus.Properties.GetAll", look, "ok"},
	{"org.freedesktop.DBus.Properties.GetAll of Credentials", look, "ok"},
	{"org.freedesktop.DBus.Properties.Set", look, names.ErrPropertyReadOnly},

	{names.Main + ".RequestPin", pair, "ok"},
	{names.Main + ".RequestPinWithOptions", pair, names.ErrInvalidArgs},
	{names.Main + ".CheckPinStatus", pair, names.ErrorPrefix + "NotFound"},
	{names.Main + ".CancelPin", pair, names.ErrorPrefix + "NotFound"},
	{names.Main + ".GetPinQR", pair, names.ErrInvalidArgs},
	{names.Main + ".GetPlexEndpoint", pair, "ok"},
	{names.Main + ".Validate", pair, names.ErrorPrefix + "AuthRequired"},

	{names.Credentials + ".GetToken", read, names.ErrorPrefix + "AuthRequired"},
	{names.Credentials + ".GetCurrentUser", read, "ok"},
	{names.Credentials + ".GetAuthHeaders", read, "ok"},
	{names.Credentials + ".GetStoredCredentials", read, "ok"},
	{names.Credentials + ".StoreCredentials", manage, names.ErrInvalidArgs},
	{names.Credentials + ".ValidateToken", read, "ok"},
	{names.Credentials + ".ClearCredentials", manage, "ok"},
	{names.Credentials + ".SignOut", manage, "ok"},
	{names.Credentials + ".SelectServer", manage, names.ErrorPrefix + "AuthRequired"},
	{names.Credentials + ".ListServers", read, names.ErrorPrefix + "AuthRequired"},
	{names.Credentials + ".GetServerHeaders", read, names.ErrorPrefix + "AuthRequired"},
	{names.Credentials + ".RenewServerHeaders", read, names.ErrorPrefix + "AuthRequired"},

	{names.Home + ".ListUsers", manage, names.ErrorPrefix + "AuthRequired"},
	{names.Home + ".SwitchUser", manage, names.ErrorPrefix + "AuthRequired"},

	{logControl + "org.freedesktop.DBus.Introspectable.Introspect", look, "ok"},
	{logControl + "org.freedesktop.DBus.Peer.Ping", look, "ok"},
	{logControl + "org.freedesktop.DBus.Peer.GetMachineId", look, "ok"},
	{logControl + "org.freedesktop.DBus.Properties.Get", look, "ok"},
	{logControl + "org.freedesktop.DBus.Properties.GetAll", look, "ok"},
	{logControl + "org.freedesktop.DBus.Properties.Set", tune, "ok"},
	{logControl + "org.freedesktop.DBus.Properties.Set of LogTarget", tune, names.ErrPropertyReadOnly},
}

// callers is every kind of caller with what it may do.
var callers = []struct {
	user string
	may  []action
}{
	{"root", asRoot},
	{"member", asMember},
	{"other", asOther},
	{"plexauthd", asOther},
	{"yes", asMember},
	{"no", asOther},
	{"auth", asOther},
	{"pairs", []action{look, pair}},
	{"reads", []action{look, read}},
	{"manages", []action{look, manage}},
}

func TestWhoMayCallWhat(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.addUsers(t)
		b.Write(t, "/etc/polkit-1/rules.d/10-box.rules", polkitRules)
		b.Run(t, "systemctl", "restart", "polkit")
		for _, c := range callers {
			t.Run(c.user, func(t *testing.T) {
				b.checkRow(t, c.user, c.may)
			})
		}
	})
}

// checkRow calls every member as the user. Every cell of the row is compared.
func (b *box) checkRow(t *testing.T, user string, may []action) {
	t.Helper()
	out, err := b.As(user, "probe", "members").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", user, err, out)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(got) != len(members) {
		t.Fatalf("%s: %d members answered, not %d:\n%s", user, len(got), len(members), out)
	}
	for i, m := range members {
		want := fmt.Sprintf("%s %s", m.name, m.answer)
		if !slices.Contains(may, m.needs) {
			want = fmt.Sprintf("%s %s", m.name, names.ErrAccessDenied)
		}
		if got[i] != want {
			t.Errorf("%s: got %q, want %q", user, got[i], want)
		}
	}
}

func (b *box) addUsers(t *testing.T) {
	t.Helper()
	b.Run(t, "useradd", "--user-group", "--groups=plexauth", "member")
	for _, user := range []string{"other", "yes", "no", "auth", "pairs", "reads", "manages"} {
		b.Run(t, "useradd", "--user-group", user)
	}
}

// A member that nobody has thought about would be in nobody's table.
func TestTableHasEveryMember(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	has := append(b.introspect(t, names.Path, ""), b.introspect(t, "/org/freedesktop/LogControl1", logControl)...)
	var table []string
	for _, m := range members {
		name, _, _ := strings.Cut(m.name, " of ")
		table = append(table, name)
	}
	slices.Sort(has)
	slices.Sort(table)
	bootedtest.MustEqual(t, "members", strings.Join(slices.Compact(table), "\n"), strings.Join(has, "\n"))
}

// introspect asks the daemon for the methods of an object. Each name that it
// returns begins with prefix.
func (b *box) introspect(t *testing.T, path, prefix string) (methods []string) {
	t.Helper()
	out := b.Run(t, "busctl", "--json=short", "call", names.Bus, path, "org.freedesktop.DBus.Introspectable", "Introspect")
	var answer struct{ Data []string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Data) != 1 {
		t.Fatalf("Introspect of %s answered %q: %v", path, out, err)
	}
	var node introspect.Node
	if err := xml.Unmarshal([]byte(answer.Data[0]), &node); err != nil {
		t.Fatalf("Introspect of %s: %v", path, err)
	}
	for _, iface := range node.Interfaces {
		for _, method := range iface.Methods {
			methods = append(methods, prefix+iface.Name+"."+method.Name)
		}
	}
	return methods
}
