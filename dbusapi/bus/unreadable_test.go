// SPDX-License-Identifier: Apache-2.0

package bus_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

// TestUnreadableAnswers are said to be so at once, and what came with them is
// closed.
func TestUnreadableAnswers(t *testing.T) {
	_, w := pipe(t)
	b := bustest.NewBroker(t, func(c *bustest.BrokerConn, call *dbus.Message, _ []int) []any {
		reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		}}
		switch call.Headers[dbus.FieldMember].Value() {
		case "Long":
			reply.Body = []any{strings.Repeat("x", 1<<20)}
		case "Odd":
			reply.Body = []any{map[uint32]string{1: "x"}}
		}
		raw, _ := bustest.Encode(reply)
		c.SendRaw(bytes.Replace(raw, []byte("a{us}"), []byte("a{bs}"), 1), int(w.Fd()))
		return nil // one answer too many
	})
	asker := askerOf(t, b)
	before := openFiles(t)
	for member, why := range map[string]string{
		"Long": "calling Long: the answer is longer than 1 MiB",
		"Odd":  "calling Odd: dbus: invalid type map[bool]string",
		"Void": "", // its descriptor is not mentioned
	} {
		_, err := ask(t, asker, member)
		if why == "" && err != nil || why != "" && (err == nil || err.Error() != why) {
			t.Errorf("%s: %v", member, err)
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors more are open", after-before)
	}
}
