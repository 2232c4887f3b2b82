package dbusapi

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// arg is one argument of a member: its name for people, its D-Bus type for the check.
type arg struct{ name, signature string }

// member is one method on the bus. It implements [dbus.Method] and
// [dbus.ArgumentDecoder] itself, because godbus's way of exporting Go methods
// keeps every exported method of the program in the binary.
type member struct {
	in     []arg
	action action // who may call; "" is everybody
	// asksPlex marks a call that can take long: it ends when the caller leaves.
	asksPlex bool
	run      func(ctx context.Context, c *call) ([]any, error)

	service *Service
	name    string
}

// call is one message to a member.
type call struct {
	sender      string
	path        dbus.ObjectPath
	interactive bool // the caller allows a question to the person at the screen
	body        []any
	types       []string // of body, as D-Bus writes them
}

// members of one interface, by name.
type members map[string]*member

// LookupMethod implements [dbus.Interface].
func (m members) LookupMethod(name string) (dbus.Method, bool) {
	found, ok := m[name]
	return found, ok
}

// object is what is found at one path: members by interface.
type object map[string]members

// LookupInterface implements [dbus.ServerObject]. A call without an interface
// goes to whichever has the member, as the D-Bus specification allows.
func (o object) LookupInterface(name string) (dbus.Interface, bool) {
	if name != "" {
		found, ok := o[name]
		return found, ok
	}
	all := members{}
	for _, some := range o {
		for name, m := range some {
			all[name] = m
		}
	}
	return all, true
}

// DecodeArguments implements [dbus.ArgumentDecoder].
func (m *member) DecodeArguments(_ *dbus.Conn, sender string, msg *dbus.Message, body []any) ([]any, error) {
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	signature, _ := msg.Headers[dbus.FieldSignature].Value().(dbus.Signature)
	return []any{&call{
		sender:      sender,
		path:        path,
		interactive: msg.Flags&dbus.FlagAllowInteractiveAuthorization != 0,
		body:        body,
		types:       completeTypes(signature.String()),
	}}, nil
}

// Call implements [dbus.Method].
func (m *member) Call(args ...any) (results []any, err error) {
	c := args[0].(*call)
	s := m.service
	began := s.clock.Now()
	defer func() {
		if cause := recover(); cause != nil {
			// Only the type: the value could hold an argument.
			s.log.Error("a call panicked", "member", m.name, "panic", fmt.Sprintf("%T", cause))
			err = dbus.NewError(names.ErrFailed, []any{"the daemon failed to answer " + m.name})
		}
		s.log.Debug("call", "member", m.name, "caller", c.sender, "duration", s.clock.Since(began), "failed", err != nil)
	}()
	ctx, end, err := s.admit(m, c)
	if err != nil {
		return nil, busError(err)
	}
	defer end()
	if err := m.checkTypes(c.types); err != nil {
		return nil, busError(err)
	}
	results, err = m.run(ctx, c)
	switch {
	case err == nil:
		return results, nil
	case context.Cause(ctx) == errPlexSilent:
		err = errPlexSilent
	}
	return nil, busError(err)
}

// checkTypes compares what came with what the member takes.
func (m *member) checkTypes(types []string) error {
	for i, want := range m.in {
		if i >= len(types) {
			return invalidArg(want.name, "is missing")
		}
		if types[i] != want.signature {
			return invalidArg(want.name, fmt.Sprintf("has type %s, not %s", types[i], want.signature))
		}
	}
	if len(types) > len(m.in) {
		return invalidArg(fmt.Sprintf("number %d", len(m.in)+1), "is one too many")
	}
	return nil
}

// completeTypes splits a signature into the types of the single arguments.
func completeTypes(signature string) (types []string) {
	for end := 1; end <= len(signature); end++ {
		if _, err := dbus.ParseSignature(signature[:end]); err == nil {
			types, signature, end = append(types, signature[:end]), signature[end:], 0
		}
	}
	return types
}

// NumArguments implements [dbus.Method]; arguments are checked in Call.
func (m *member) NumArguments() int { return len(m.in) }

// NumReturns implements [dbus.Method]; godbus does not ask for it.
func (m *member) NumReturns() int { return 0 }

// ArgumentValue implements [dbus.Method]; godbus asks only without an ArgumentDecoder.
func (m *member) ArgumentValue(int) any { return nil }

// ReturnValue implements [dbus.Method]; godbus does not ask for it.
func (m *member) ReturnValue(int) any { return nil }
