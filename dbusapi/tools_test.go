// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// run runs one of the programs that people use on the bus.
func (b *box) run(name string, args ...string) string {
	b.t.Helper()
	out, err := exec.CommandContext(b.ctx, name, args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (b *box) busctl(verb string, args ...string) string {
	b.t.Helper()
	return b.run("busctl", append([]string{"--address=" + b.bus.Address, "--", verb, names.Bus, names.Path}, args...)...)
}

func (b *box) gdbus(verb string, args ...string) string {
	b.t.Helper()
	return b.run("gdbus", append([]string{verb, "--address", b.bus.Address, "--dest", names.Bus, "--object-path", names.Path}, args...)...)
}

func wantOutput(t *testing.T, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)` + pattern).MatchString(got) {
		t.Errorf("printed\n%s\nwant %s", got, pattern)
	}
}

func TestBusctl(t *testing.T) {
	b := newBox(t, setup{})
	tree := b.busctl("introspect")
	for _, line := range []string{
		`^\.RequestPin +method +- +tsssx`, `^\.RequestPinWithOptions +method +a\{sv\} +tsssx`,
		`^\.PinEnded +signal +ts`, `^\.State +property +s +"signed-out" +emits-change`,
		`^\.Version +property +s +"1.2.3-test" +const`, `^\.GetAuthHeaders +method +- +a\{ss\}`,
	} {
		wantOutput(t, tree, line)
	}
	wantOutput(t, b.busctl("call", names.Main, "RequestPin"), `^tsssx \d+ "[A-Z0-9]{4}" "https://plex.tv/link" "https://plex.tv/link/\?pin=\w{4}" \d+$`)
	wantOutput(t, b.busctl("get-property", names.Main, "State", "Pin"), `^s "pairing"\n\(tsssx\) \d+ "[A-Z0-9]{4}" `)
	wantOutput(t, b.busctl("call", names.Main, "RequestPinWithOptions", "a{sv}", "2", "strong", "b", "true", "force", "b", "true"),
		`^tsssx \d+ "[a-z0-9]{25}" `)
	wantOutput(t, b.busctl("call", names.Credentials, "StoreCredentials", "a{sv}", "1", "token", "s", b.token), `^$`)
	wantOutput(t, b.busctl("call", names.Credentials, "GetToken"), `^s "`+b.token+`"$`)
	wantOutput(t, b.run("busctl", "--address="+b.bus.Address, "tree", names.Bus), `/tv/retune/PlexAuth1$`)
}

func TestGdbus(t *testing.T) {
	b := newBox(t, setup{})
	tree := b.gdbus("introspect")
	for _, line := range []string{
		`^ +interface tv\.retune\.PlexAuth1 \{`, `^ +RequestPin\(out t id,$`, `^ +PinEnded\(t id,$`,
		`^ +readonly s State = 'signed-out';`, `^ +readonly \(tsssx\) Pin = \(0, '', '', '', 0\);`,
	} {
		wantOutput(t, tree, line)
	}
	wantOutput(t, b.gdbus("call", "--method", names.Main+".RequestPin"),
		`^\(uint64 \d+, '[A-Z0-9]{4}', 'https://plex.tv/link', 'https://plex.tv/link/\?pin=\w{4}', int64 \d+\)$`)
	wantOutput(t, b.gdbus("call", "--method", names.Main+".RequestPinWithOptions", "{'force': <true>}"), `^\(uint64 \d+, '`)
	wantOutput(t, b.gdbus("call", "--method", properties+".Get", names.Main, "State"), `^\(<'pairing'>,\)$`)
	wantOutput(t, b.gdbus("call", "--method", names.Credentials+".GetAuthHeaders"), `'X-Plex-Product': 'Test & Box'`)
}
