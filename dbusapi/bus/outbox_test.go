// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bytes"
	"testing"
)

// TestOneReplyWaitsForOthers: those others do not wait, or a flood of calls would have
// any number of goroutines waiting.
func TestOneReplyWaitsForOthers(t *testing.T) {
	var sent bytes.Buffer
	o := &outbox{socket: &sent}
	call := &Call{Sender: []byte(":1.5"), message: make(message, headLength), out: o}
	reply := func() Reply { return Reply{} }
	if !o.compose(call, reply) {
		t.Error("the first reply is left to others")
	}
	call.Reply(reply)
	if sent.Len() > 0 {
		t.Error("the second reply is not left to who sends the first")
	}
	if err := o.flush(); err != nil || sent.Len() == 0 {
		t.Errorf("sent are %d bytes, %v", sent.Len(), err)
	}
	sent.Reset()
	call.Reply(reply)
	if sent.Len() == 0 {
		t.Error("the next reply is not sent")
	}
}
