// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"os"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// right gives a value of each type that a member takes.
func right(signature string) any {
	return map[string]any{
		"s": "text", "t": uint64(1), "u": uint32(1), "v": dbus.MakeVariant(true), "a{sv}": options{},
	}[signature]
}

func TestWrongArguments(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	for iface, members := range b.service.Exported() {
		for member, takes := range members {
			method, args := iface+"."+member, []any{}
			for i, argument := range takes {
				c.call(method, args...).isError(names.ErrInvalidArgs, argument.Name+": is missing")
				for got, wrong := range map[string]any{
					"u": uint32(1), "(ss)": struct{ A, B string }{"a", "b"}, "a{ss}": map[string]string{"strong": "yes"},
				} {
					if got == argument.Type {
						continue
					}
					c.call(method, append(args[:i:i], wrong)...).
						isError(names.ErrInvalidArgs, argument.Name+": has type "+got+", not "+argument.Type)
				}
				args = append(args, right(argument.Type))
			}
			number := map[int]string{0: "number 1", 1: "number 2", 2: "number 3", 3: "number 4"}[len(takes)]
			c.call(method, append(args, "more")...).isError(names.ErrInvalidArgs, number+": is one too many")
		}
	}
}

func TestWrongOptions(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	for text, wrong := range map[string]options{
		`options: "stronk" is not one of strong, force`: {"stronk": dbus.MakeVariant(true)},
		"options: strong has type s":                    {"strong": dbus.MakeVariant("yes")},
		"options: force is 2, not a value of type b":    {"strong": dbus.MakeVariant(1), "force": dbus.MakeVariant(2)},
		"options: force is 0.5, not":                    {"force": dbus.MakeVariant(0.5)},
	} {
		c.main("RequestPinWithOptions", wrong).isError(names.ErrInvalidArgs, text)
	}
	if pins := b.plex.Pins(); len(pins) > 0 {
		t.Errorf("plex.tv was asked for %v", pins)
	}
	for _, length := range []int{10 << 10, 1 << 20} {
		c.credentials("ValidateToken", strings.Repeat("x", length)).isError(names.ErrInvalidArgs, "token: is longer than")
	}
}

func TestUnknown(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.call("tv.retune.PlexAuth2.RequestPin").isError(names.ErrUnknownInterface)
	c.main("RequestPinn").isError(names.ErrUnknownMethod)
	c.call("GetTokens").isError(names.ErrUnknownMethod)
	for _, iface := range []string{"tv.retune.PlexAuth2", "peer"} {
		c.call(properties+".Get", iface, "State").isError(names.ErrUnknownInterface)
		c.call(properties+".GetAll", iface).isError(names.ErrUnknownInterface)
		c.call(properties+".Set", iface, "State", dbus.MakeVariant("x")).isError(names.ErrUnknownInterface)
	}
	c.call(properties+".Get", names.Main, "Token").isError(names.ErrUnknownProperty)
	c.call(properties+".Get", names.Credentials, "State").isError(names.ErrUnknownProperty)
	c.call(properties+".Set", names.Main, "Token", dbus.MakeVariant("x")).isError(names.ErrUnknownProperty)
	for name := range propertyTypes {
		c.call(properties+".Set", names.Main, name, dbus.MakeVariant("x")).isError(names.ErrPropertyReadOnly)
	}
	for _, path := range []dbus.ObjectPath{"/tv/retune/PlexAuth1/x", "/tv/retune/PlexAuth2", "/net"} {
		call := c.conn.Object(names.Bus, path).CallWithContext(c.ctx, names.Main+".RequestPin", 0)
		reply{call, t}.isError(names.ErrUnknownObject)
	}
	call := c.conn.Object(names.Bus, "/tv").CallWithContext(c.ctx, names.Main+".RequestPin", 0)
	reply{call, t}.isError(names.ErrUnknownInterface)
	c.main("CheckPinStatus", uint64(1<<63)).isError(names.ErrorPrefix + "NotFound")
}

func TestCallWithoutInterface(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	c.call("RequestPin").gives("tsssx")
	c.call("GetAuthHeaders").gives("a{ss}")
	c.call("Get", names.Main, "State").gives("v")
	c.call("Introspect").gives("s")
	c.call("Ping").gives("")
}

func TestPeer(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []dbus.ObjectPath{names.Path, "/", "/what/ever"} {
		var id string
		object := c.conn.Object(names.Bus, path)
		reply{object.CallWithContext(c.ctx, "org.freedesktop.DBus.Peer.Ping", 0), t}.gives("")
		reply{object.CallWithContext(c.ctx, "org.freedesktop.DBus.Peer.GetMachineId", 0), t}.gives("s", &id)
		if id != strings.TrimSpace(string(machine)) {
			t.Errorf("GetMachineId at %s gave %q, want %q", path, id, machine)
		}
	}
}
