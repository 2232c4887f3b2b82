// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bus"
)

// call is one message to a member.
type call struct {
	sender      string
	path        dbus.ObjectPath
	interactive bool // the caller allows polkit to ask the person at the screen
	body        []any
}

func newCall(c *bus.Call) *call {
	return &call{sender: string(c.Sender), path: dbus.ObjectPath(c.Path), interactive: c.Interactive()}
}

// arguments checks and decodes the arguments of a call to m.
func (m *member) arguments(c *bus.Call) (*call, error) {
	if err := m.checkTypes(string(c.Signature)); err != nil {
		return nil, err
	}
	given := newCall(c)
	if len(m.in) == 0 {
		return given, nil
	}
	name := "arguments"
	if len(m.in) == 1 {
		name = m.in[0].name
	}
	if c.TooLong {
		return nil, invalidArg(name, "is longer than a call may be")
	}
	body, err := c.Arguments()
	if err != nil {
		return nil, invalidArg(name, "cannot be decoded")
	}
	given.body = body
	return given, nil
}

// checkTypes compares the signature of a call with the member's.
func (m *member) checkTypes(signature string) error {
	if signature == m.signature {
		return nil
	}
	for _, want := range m.in {
		if signature == "" {
			return invalidArg(want.name, "is missing")
		}
		length := completeType(signature)
		if got := signature[:length]; got != want.signature {
			return invalidArg(want.name, fmt.Sprintf("has type %s, not %s", got, want.signature))
		}
		signature = signature[length:]
	}
	return invalidArg(fmt.Sprintf("number %d", len(m.in)+1), "is one too many")
}

// completeType returns the length of the first complete type in a valid, non-empty
// signature.
func completeType(signature string) int {
	open := 0
	for i, char := range signature {
		switch char {
		case '(', '{':
			open++
		case ')', '}':
			open--
		case 'a':
			continue
		}
		if open == 0 {
			return i + 1
		}
	}
	return len(signature)
}
