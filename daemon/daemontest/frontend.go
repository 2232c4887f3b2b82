// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// Frontend is a program on the bus that calls plexauthd by the names of its
// members, and hears its signals.
type Frontend struct {
	testing.TB
	Conn    *dbus.Conn
	Signals chan *dbus.Signal
}

// Frontend connects a frontend to the box's bus.
func (b *Box) Frontend() *Frontend {
	b.Helper()
	return Connect(b.TB, b.Bus.Address)
}

// Connect connects a frontend to the bus with that address.
func Connect(t testing.TB, address string) *Frontend {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &Frontend{t, conn, make(chan *dbus.Signal, 1000)}
	conn.Signal(f.Signals)
	if err := conn.AddMatchSignal(dbus.WithMatchObjectPath(names.Path)); err != nil {
		t.Fatal(err)
	}
	return f
}

// Call calls a member given as "Credentials.GetToken" or "RequestPin".
func (f *Frontend) Call(member string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return f.Conn.Object(names.Bus, names.Path).CallWithContext(ctx, names.Bus+"."+member, 0, args...)
}

// MustFail calls a member and wants that error of plexauthd's.
func (f *Frontend) MustFail(code, member string, args ...any) {
	f.Helper()
	err := f.Call(member, args...).Err
	var named dbus.Error
	if !errors.As(err, &named) || named.Name != names.ErrorPrefix+code {
		f.Errorf("%s: %v (%s), not %s", member, err, named.Name, code)
	}
}

// Property reads a property of the main interface.
func (f *Frontend) Property(name string) any {
	f.Helper()
	v, err := f.Conn.Object(names.Bus, names.Path).GetProperty(names.Bus + "." + name)
	if err != nil {
		f.Fatal(err)
	}
	return v.Value()
}

// Await reads signals until one is named so.
func (f *Frontend) Await(member string) *dbus.Signal {
	f.Helper()
	for {
		select {
		case s := <-f.Signals:
			if strings.HasSuffix(s.Name, "."+member) {
				return s
			}
		case <-time.After(Patience):
			f.Fatalf("no signal %s", member)
		}
	}
}

// AwaitProperty waits until a property of the main interface has that value.
func (f *Frontend) AwaitProperty(name string, value any) {
	f.Helper()
	for f.Property(name) != value {
		f.Await("PropertiesChanged")
	}
}

// Validate asks plex.tv whether the token is good.
func (f *Frontend) Validate() (good bool, err error) {
	err = f.Call("Validate").Store(&good)
	return good, err
}

// MustBeValid wants plex.tv to say that the token is good.
func (f *Frontend) MustBeValid() {
	f.Helper()
	if good, err := f.Validate(); err != nil || !good {
		f.Errorf("the token is good: %v (%v)", good, err)
	}
}

// RequestPin starts a pairing and returns its number and code.
func (f *Frontend) RequestPin() (id uint64, code string) {
	f.Helper()
	var link, uri string
	var expires int64
	if err := f.Call("RequestPin").Store(&id, &code, &link, &uri, &expires); err != nil {
		f.Fatal(err)
	}
	return id, code
}

// Token is the token that the daemon holds.
func (f *Frontend) Token() (token string) {
	f.Helper()
	if err := f.Call("Credentials.GetToken").Store(&token); err != nil {
		f.Fatal(err)
	}
	return token
}

// MustHold wants the daemon to hold that token.
func (f *Frontend) MustHold(token string) {
	f.Helper()
	if f.Token() != token {
		f.Error("the token is another one")
	}
}

// Owner is who has a name on the bus, "" if nobody has it.
func (f *Frontend) Owner(name string) (owner string) {
	_ = f.Conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, name).Store(&owner)
	return owner
}

// AwaitOwner waits until a name on the bus has an owner, or none.
func (f *Frontend) AwaitOwner(name string, wanted bool) {
	f.Helper()
	for deadline := time.Now().Add(Patience); (f.Owner(name) != "") != wanted; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("%s has an owner: %v", name, !wanted)
		}
	}
}
