// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// TestOddCallsThatTheBusLetsThrough leaves the checks of a bus out: whatever comes,
// nothing breaks, what is handed on can be used, and the next call is answered.
func TestOddCallsThatTheBusLetsThrough(t *testing.T) {
	f, _ := newFarEnd(t, handlerFunc(func(c *Call) {
		_, _ = c.RawArguments()
		own := c.Clone()
		_, _ = own.Arguments()
		own.Interactive()
		if string(own.Member) == "Good" {
			echo(own)
		} else {
			own.Reply(func() Reply { return Failure("x.y.Odd", string(own.Signature)) })
		}
	}))
	const oddOne, goodOne = 1000, 1001
	for _, odd := range bustest.OddCalls("a.name", "/a/b", "x.y", "Odd", ":1.7", oddOne) {
		if _, err := f.Write(odd.Raw); err != nil {
			t.Fatalf("%s: %v", odd.Name, err)
		}
		f.send(request("Good", odd.Name), goodOne)
		for answered := false; !answered; {
			m, err := dbus.DecodeMessage(f.in)
			if err != nil {
				t.Fatalf("%s: %v", odd.Name, err)
			}
			switch to := m.Headers[dbus.FieldReplySerial].Value(); {
			case to == uint32(goodOne) && m.Body[1] == odd.Name:
				answered = true
			case to == uint32(oddOne) || to == uint32(0): // the latter to number 0
			default:
				t.Errorf("%s: an answer to call %v", odd.Name, to)
			}
		}
	}
}
