// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const properties = names.Properties

// client is somebody else on the bus.
type client struct {
	*box
	conn    *dbus.Conn
	signals chan *dbus.Signal // of the daemon, in order
	peeked  *dbus.Signal
}

func (b *box) client() *client {
	b.t.Helper()
	conn, err := dbus.Connect(b.bus.Address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	c := &client{box: b, conn: conn, signals: make(chan *dbus.Signal)}
	if err := conn.AddMatchSignal(dbus.WithMatchSender(names.Bus)); err != nil {
		b.t.Fatal(err)
	}
	conn.Signal(c.signals)
	return c
}

// reply is how a call went.
type reply struct {
	*dbus.Call
	t *testing.T
}

// call calls a method of our object by its full name; without a dot it is a
// call without an interface.
func (c *client) call(method string, args ...any) reply {
	return reply{c.conn.Object(names.Bus, names.Path).CallWithContext(c.ctx, method, 0, args...), c.t}
}

func (c *client) main(member string, args ...any) reply {
	return c.call(names.Main+"."+member, args...)
}

func (c *client) credentials(member string, args ...any) reply {
	return c.call(names.Credentials+"."+member, args...)
}

func (c *client) home(member string, args ...any) reply {
	return c.call(names.Home+"."+member, args...)
}

// start calls without waiting for the answer.
func (c *client) start(done chan *dbus.Call, method string, args ...any) {
	c.conn.Object(names.Bus, names.Path).GoWithContext(c.ctx, method, 0, done, args...)
}

// gives fails the test unless the reply has just that signature; it stores the
// values where they are wanted.
func (r reply) gives(signature string, targets ...any) {
	r.t.Helper()
	if r.Err != nil {
		r.t.Fatalf("%s: %v", r.Method, r.Err)
	}
	if got := dbus.SignatureOf(r.Body...).String(); got != signature {
		r.t.Fatalf("%s answered with %q, want %q", r.Method, got, signature)
	}
	for i, target := range targets { // dbus.Store would lose the types of structs
		reflect.ValueOf(target).Elem().Set(reflect.ValueOf(r.Body[i]))
	}
}

// isError fails the test unless the reply is the error of that name, with all
// of those texts in its message.
func (r reply) isError(name string, texts ...string) {
	r.t.Helper()
	failure, ok := r.Err.(dbus.Error)
	if !ok || failure.Name != name {
		r.t.Errorf("%s%v: %v %#v, want %s", r.Method, r.Args, r.Body, r.Err, name)
		return
	}
	for _, text := range texts {
		if !strings.Contains(failure.Error(), text) {
			r.t.Errorf("%s%v: %q does not say %q", r.Method, r.Args, failure.Error(), text)
		}
	}
}

// property reads one property of the main interface.
func (c *client) property(name string) any {
	c.t.Helper()
	var value dbus.Variant
	c.call(properties+".Get", names.Main, name).gives("v", &value)
	return value.Value()
}

// peek waits for the next signal and leaves it to be heard.
func (c *client) peek() *dbus.Signal {
	c.t.Helper()
	if c.peeked == nil {
		c.peeked = await(c.box, c.signals, "a signal")
	}
	return c.peeked
}

// hears waits for the next signal, which must be that one.
func (c *client) hears(name string, body ...any) {
	c.t.Helper()
	signal := c.peek()
	c.peeked = nil
	if signal.Name != name || !reflect.DeepEqual(signal.Body, body) || signal.Path != names.Path {
		c.t.Fatalf("heard %s%v, want %s%v", signal.Name, signal.Body, name, body)
	}
}

// skipTo takes the signals before the next one of that name.
func (c *client) skipTo(name string) {
	c.t.Helper()
	for c.peek().Name != name {
		c.peeked = nil
	}
}

// values is what changed, by property.
type values map[string]any

// hearsChange is hears for PropertiesChanged with all that changed and only that.
func (c *client) hearsChange(changed values) {
	c.t.Helper()
	variants := map[string]dbus.Variant{}
	for name, value := range changed {
		variants[name] = dbus.MakeVariantWithSignature(value, dbus.ParseSignatureMust(propertyTypes[name]))
	}
	c.hears(properties+".PropertiesChanged", names.Main, variants, []string{})
}

// hearsAuth is hears for AuthChanged.
func (c *client) hearsAuth(authenticated bool, reason string) {
	c.t.Helper()
	c.hears(names.Main+".AuthChanged", authenticated, map[string]dbus.Variant{"reason": dbus.MakeVariant(reason)})
}

// signIn signs Alice in with her token and takes the signals.
func (c *client) signIn(token string) {
	c.t.Helper()
	c.credentials("StoreCredentials", map[string]dbus.Variant{"token": dbus.MakeVariant(token)}).gives("")
	c.hearsChange(values{"Authenticated": true, "State": "signed-in"})
	c.hearsAuth(true, "signed-in")
}

// pairing is what RequestPin answers.
type pairing struct {
	ID                     uint64
	Code, LinkURI, AuthURI string
	ExpiresAt              int64
}

// pairing gives the values of an answer to RequestPin.
func (r reply) pairing() (p pairing) {
	r.t.Helper()
	r.gives("tsssx", &p.ID, &p.Code, &p.LinkURI, &p.AuthURI, &p.ExpiresAt)
	return p
}

// requestPin starts a pairing and takes the signal.
func (c *client) requestPin() pairing {
	c.t.Helper()
	p := c.main("RequestPin").pairing()
	c.hearsChange(values{"State": "pairing", "Pin": p.struc()})
	return p
}

// struc is p as the struct (tsssx) arrives.
func (p pairing) struc() []any { return []any{p.ID, p.Code, p.LinkURI, p.AuthURI, p.ExpiresAt} }

// noPin is the property Pin when no pairing is under way.
func noPin() []any { return pairing{}.struc() }
