// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"context"
	"fmt"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// arg is one argument of a member: its name, for error messages, and its D-Bus
// type.
type arg struct{ name, signature string }

// member is one method on the bus. It has either atOnce or run.
type member struct {
	in     []arg
	action action // required of the caller; "" is for everybody

	// atOnce answers from the snapshot and must not block, because all other
	// callers wait for it. Its answers are cached until the account changes, unless
	// fresh says that they depend on anything else.
	atOnce func(now *auth.Snapshot, j job) ([]any, error)
	fresh  bool
	// givesToken marks an answer with the token. A token that is about to expire is
	// renewed first, while other calls are answered.
	givesToken bool
	// long marks an answer so long that others should not wait for the bus to
	// take it.
	long bool

	// run may block: it runs on a goroutine of its own, of which there is a limited
	// number.
	run func(ctx context.Context, j job) ([]any, error)
	// asksPlex marks a run that asks plex.tv. It ends when the caller leaves the
	// bus, or after answerTimeout.
	asksPlex bool

	name      string
	signature string // of in
	answers   answers
}

// members of one interface, by name.
type members map[string]*member

// object is what is found at one path: members by interface.
type object map[string]members

// find returns a member of the object. As the D-Bus specification says, a call
// without an interface goes to any interface with such a member.
func (o object) find(iface, name []byte) (*member, error) {
	if len(iface) == 0 {
		for _, some := range o {
			if m, found := some[string(name)]; found {
				return m, nil
			}
		}
		return nil, unknown(names.ErrUnknownMethod, "method", name)
	}
	some, found := o[string(iface)]
	if !found {
		return nil, unknown(names.ErrUnknownInterface, "interface", iface)
	}
	m, found := some[string(name)]
	if !found {
		return nil, unknown(names.ErrUnknownMethod, "method", name)
	}
	return m, nil
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
