// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// introspection is what an object says of itself.
func (c *client) introspection(path dbus.ObjectPath) (node introspect.Node) {
	c.t.Helper()
	var text string
	call := c.conn.Object(names.Bus, path).CallWithContext(c.ctx, "org.freedesktop.DBus.Introspectable.Introspect", 0)
	reply{call, c.t}.gives("s", &text)
	if err := xml.Unmarshal([]byte(text), &node); err != nil {
		c.t.Fatalf("introspecting %s: %v", path, err)
	}
	return node
}

// interfaces gives the file's interfaces by name.
func interfaces(t *testing.T, node introspect.Node) map[string]introspect.Interface {
	found := map[string]introspect.Interface{}
	for _, iface := range node.Interfaces {
		if _, twice := found[iface.Name]; twice {
			t.Errorf("the interface %s is there twice", iface.Name)
		}
		found[iface.Name] = iface
	}
	return found
}

func readFile(t *testing.T) introspect.Node {
	t.Helper()
	text, err := os.ReadFile("names/tv.retune.PlexAuth1.xml")
	if err != nil {
		t.Fatal(err)
	}
	var node introspect.Node
	if err := xml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	return node
}

// signature joins the types of the arguments of that direction.
func signature(args []introspect.Arg, direction string) (joined string) {
	for _, arg := range args {
		if arg.Direction == direction {
			joined += arg.Type
		}
	}
	return joined
}

func TestWhatIsExportedIsInTheXML(t *testing.T) {
	b := newBox(t, setup{})
	described := map[string]map[string][]dbusapi.Argument{}
	for _, iface := range b.client().introspection(names.Path).Interfaces {
		described[iface.Name] = map[string][]dbusapi.Argument{}
		for _, method := range iface.Methods {
			taken := []dbusapi.Argument{}
			for _, arg := range method.Args {
				if arg.Direction == "in" {
					taken = append(taken, dbusapi.Argument{Name: arg.Name, Type: arg.Type})
				}
			}
			described[iface.Name][method.Name] = taken
		}
	}
	if exported := b.service.Exported(); !reflect.DeepEqual(exported, described) {
		t.Errorf("exported: %v\ndescribed: %v", exported, described)
	}
}

func TestIntrospectionIsTheFile(t *testing.T) {
	b := newBox(t, setup{})
	served, installed := interfaces(t, b.client().introspection(names.Path)), interfaces(t, readFile(t))
	if len(installed) != 3 || len(served) != 6 {
		t.Errorf("%d interfaces in the file, %d on the bus", len(installed), len(served))
	}
	for name, iface := range installed {
		if !reflect.DeepEqual(served[name], iface) {
			t.Errorf("%s on the bus differs from the file", name)
		}
	}
}

// TestAnswersAreAsTheXMLSays calls every method, and hears every signal.
func TestAnswersAreAsTheXMLSays(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	p := c.requestPin()
	stored := options{"token": dbus.MakeVariant(b.token)}
	calls := []struct {
		member string
		args   []any
	}{
		{"RequestPin", nil}, {"RequestPinWithOptions", []any{options{}}}, {"CheckPinStatus", []any{p.ID}},
		{"GetPinQR", []any{"svg", uint32(0)}}, {"CancelPin", []any{p.ID}}, {"StoreCredentials", []any{stored}}, {"Validate", nil}, {"GetPlexEndpoint", nil}, {"GetToken", nil},
		{"GetCurrentUser", nil}, {"GetAuthHeaders", nil}, {"GetStoredCredentials", nil}, {"ValidateToken", []any{"x"}},
		{"SelectServer", []any{"m", "http://h"}}, {"ListServers", nil}, {"GetServerHeaders", []any{machineID}},
		{"RenewServerHeaders", []any{machineID}}, {"ListUsers", nil}, {"SwitchUser", []any{aliceUUID, ""}},
		{"SignOut", nil}, {"ClearCredentials", nil},
	}
	all, described := interfaces(t, readFile(t)), map[string]string{}
	for _, iface := range all {
		for _, method := range iface.Methods {
			described[method.Name] = iface.Name + "." + method.Name + " " + signature(method.Args, "out")
		}
	}
	if len(calls) != len(described) {
		t.Errorf("%d methods are called, %d described", len(calls), len(described))
	}
	for _, call := range calls {
		method, answer, _ := strings.Cut(described[call.member], " ")
		c.call(method, call.args...).gives(answer)
	}
	heard := map[string]string{}
	for range 4 { // CancelPin and StoreCredentials are the first to send two each
		heard[c.peek().Name] = dbus.SignatureOf(c.peek().Body...).String()
		c.peeked = nil
	}
	for _, signal := range all[names.Main].Signals {
		if got := heard[names.Main+"."+signal.Name]; got != signature(signal.Args, "") {
			t.Errorf("%s came with %q, described is %q", signal.Name, got, signature(signal.Args, ""))
		}
	}
}

func TestProperties(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	described := map[string]string{}
	for _, property := range interfaces(t, readFile(t))[names.Main].Properties {
		described[property.Name] = property.Type
		emits := map[bool]string{true: "const", false: "true"}[property.Name == "Version"]
		want := introspect.Annotation{Name: "org.freedesktop.DBus.Property.EmitsChangedSignal", Value: emits}
		if property.Access != "read" || !slices.Contains(property.Annotations, want) {
			t.Errorf("%s: access %s, annotations %v", property.Name, property.Access, property.Annotations)
		}
	}
	if !reflect.DeepEqual(described, propertyTypes) {
		t.Errorf("described: %v, want %v", described, propertyTypes)
	}
	want := values{
		"Authenticated": false, "State": "signed-out", "Pin": noPin(), "AuthMode": "legacy",
		"TokenExpiresAt": int64(0), "SelectedServer": []any{"", ""}, "Version": version,
	}
	for _, iface := range []string{names.Main, ""} {
		var all map[string]dbus.Variant
		c.call(properties+".GetAll", iface).gives("a{sv}", &all)
		if !reflect.DeepEqual(types(all), propertyTypes) {
			t.Errorf("GetAll gave %v, want %v", types(all), propertyTypes)
		}
		for name := range propertyTypes {
			var one dbus.Variant
			c.call(properties+".Get", iface, name).gives("v", &one)
			if !reflect.DeepEqual(one, all[name]) || !reflect.DeepEqual(one.Value(), want[name]) {
				t.Errorf("%s: Get gave %v, GetAll %v, want %v", name, one, all[name], want[name])
			}
		}
	}
	for iface := range b.service.Exported() {
		var all map[string]dbus.Variant
		if c.call(properties+".GetAll", iface).gives("a{sv}", &all); iface != names.Main && len(all) > 0 {
			t.Errorf("%s has properties: %v", iface, all)
		}
	}
}

func TestUnverifiedState(t *testing.T) {
	b := newBox(t, setup{})
	b.plex.Fail(plextvsim.Fault{Status: 503})
	c := b.client()
	c.credentials("StoreCredentials", options{
		"token": dbus.MakeVariant(b.token), "user_id": dbus.MakeVariant("1"), "username": dbus.MakeVariant("alice"),
	}).gives("")
	c.hearsChange(values{"Authenticated": true, "State": "unverified"})
	c.hearsAuth(true, "signed-in")
	b.plex.Clear()
	c.main("Validate").gives("b")
	c.hearsChange(values{"State": "signed-in"})
}

func TestTreeLeadsToTheObjects(t *testing.T) {
	b := newBox(t, setup{})
	c := b.client()
	found := map[dbus.ObjectPath]int{}
	paths := []dbus.ObjectPath{"/"}
	for len(paths) > 0 {
		path := paths[0]
		node := c.introspection(path)
		found[path], paths = len(node.Interfaces), paths[1:]
		for _, child := range node.Children {
			paths = append(paths, dbus.ObjectPath(strings.TrimSuffix(string(path), "/")+"/"+child.Name))
		}
	}
	want := map[dbus.ObjectPath]int{ // to how many interfaces
		"/": 2, "/tv": 2, "/tv/retune": 2, names.Path: 6,
		"/org": 2, "/org/freedesktop": 2, "/org/freedesktop/LogControl1": 4,
	}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// TestXMLIsDocumented wants a comment before each member that begins with its
// name and has every argument.
func TestXMLIsDocumented(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(names.XML))
	var comment, owner string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.Comment:
			comment = strings.TrimSpace(string(token))
		case xml.StartElement:
			name := ""
			for _, attribute := range token.Attr {
				if attribute.Name.Local == "name" {
					name = attribute.Value
				}
			}
			switch token.Name.Local {
			case "interface", "method", "signal", "property":
				owner = name
				if text, named := strings.CutPrefix(comment, name+":"); !named || len(strings.TrimSpace(text)) < 10 {
					t.Errorf("%s %s has no documentation", token.Name.Local, name)
				}
			case "arg":
				if !strings.Contains(comment, "@"+name+":") {
					t.Errorf("the argument %s of %s has no documentation", name, owner)
				}
			}
		}
	}
}
