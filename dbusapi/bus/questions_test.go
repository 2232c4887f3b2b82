// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"encoding/binary"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

// TestAnswerThatNobodyTakes comes just when who has asked stops to wait.
func TestAnswerThatNobodyTakes(t *testing.T) {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	q := newQuestions(nil)
	const number = ownSerials + 7
	answers := q.add(number)
	reply := request("", "text")
	reply.Type = dbus.TypeMethodReply
	reply.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(uint32(number))
	delete(reply.Headers, dbus.FieldMember)
	if !q.settle(encode(t, reply, binary.LittleEndian, 1), true, fds[1:]) {
		t.Error("the answer is no answer")
	}
	q.drop(number, answers)
	if err := syscall.Close(fds[1]); err != syscall.EBADF {
		t.Error("its descriptor has been left open")
	}
	if len(q.open) > 0 {
		t.Errorf("questions are left: %v", q.open)
	}
}
