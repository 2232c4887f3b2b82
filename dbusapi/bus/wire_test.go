// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// patience is how long a test waits for what has to come.
const patience = 15 * time.Second

func TestCallsAreAnswered(t *testing.T) {
	f, _ := newFarEnd(t, handlerFunc(echo))
	body := []any{"text", uint64(7), map[string]dbus.Variant{"key": dbus.MakeVariant(int64(-1))}}
	f.send(request("Echo", body...), 1)
	m := f.reply(1)
	if !reflect.DeepEqual(m.Body, append([]any{"Echo"}, body...)) {
		t.Errorf("the answer is %v", m)
	}
	if to := m.Headers[dbus.FieldDestination].Value(); to != ":1.7" {
		t.Errorf("the answer goes to %v", to)
	}
	if _, err := f.Write(encode(t, request("Echo", "other order"), binary.BigEndian, 2)); err != nil {
		t.Fatal(err)
	}
	if got := f.reply(2).Body; !reflect.DeepEqual(got, []any{"Echo", "other order"}) {
		t.Errorf("the answer to big-endian is %v", got)
	}
}

func TestClonedCallIsAnsweredLater(t *testing.T) {
	calls := make(chan *Call, 100)
	f, _ := newFarEnd(t, handlerFunc(func(c *Call) { calls <- c.Clone() }))
	for serial := range uint32(100) {
		f.send(request(fmt.Sprintf("Member%d", serial), serial), serial+1)
	}
	for serial := range uint32(100) {
		echo(<-calls)
		want := []any{fmt.Sprintf("Member%d", serial), serial}
		if got := f.reply(serial + 1).Body; !reflect.DeepEqual(got, want) {
			t.Errorf("call %d was answered with %v", serial+1, got)
		}
	}
}

func TestWhatNobodyWaitsForIsNotSent(t *testing.T) {
	f, _ := newFarEnd(t, handlerFunc(echo))
	quiet := request("Quiet")
	quiet.Flags = dbus.FlagNoReplyExpected
	f.send(quiet, 1)
	f.send(request("Loud"), 2)
	f.reply(2)
}

func TestErrorTextsThatDBusCannotCarry(t *testing.T) {
	f, _ := newFarEnd(t, handlerFunc(func(c *Call) {
		c.Reply(func() Reply { return Failure("x.y.Error", "zero\x00 and \xff") })
	}))
	f.send(request("Fail"), 1)
	m := f.reply(1)
	if name := m.Headers[dbus.FieldErrorName].Value(); name != "x.y.Error" || m.Body[0] != "zero and \uFFFD" {
		t.Errorf("the error is %v %q", name, m.Body)
	}
}

func TestCallsThatAreTooLong(t *testing.T) {
	f, w := newFarEnd(t, handlerFunc(func(c *Call) {
		if !c.TooLong {
			echo(c)
			return
		}
		decoded := "decoded"
		if _, err := c.Arguments(); err != nil {
			decoded = "cannot decode"
		}
		raw, usual := c.RawArguments()
		c.Reply(func() Reply {
			return Failure("x.y.TooLong", fmt.Sprintf("%s %s: %s, %d bytes, usual %v", c.Member, c.Signature, decoded, len(raw), usual))
		})
	}))
	for serial, length := range []int{maxCall, 1 << 20, 100 << 20} {
		long := encode(t, request("Long", "x", "y"), binary.LittleEndian, uint32(serial+1))
		binary.LittleEndian.PutUint32(long[bodyLengthAt:], uint32(length))
		if _, err := f.Write(append(long[:long.bodyAt()], make([]byte, length)...)); err != nil {
			t.Fatal(err)
		}
		f.send(request("Short"), 100)
		if m := f.reply(uint32(serial + 1)); m.Body[0] != "Long ss: cannot decode, 0 bytes, usual false" {
			t.Errorf("%d bytes: %v", length, m)
		}
		f.reply(100)
		if cap(w.buffer) > maxCall {
			t.Errorf("%d bytes of memory stay for a call of %d", cap(w.buffer), length)
		}
	}
	// What is too long before the arguments names nobody who could be answered.
	path := request("Path")
	path.Headers[dbus.FieldPath] = dbus.MakeVariant(dbus.ObjectPath("/" + strings.Repeat("x", 1<<20)))
	f.send(path, 1)
	f.send(request("Short"), 2)
	f.reply(2)
}

// TestOtherMessages sends what is not a call, between calls.
func TestOtherMessages(t *testing.T) {
	f, _ := newFarEnd(t, handlerFunc(echo))
	signal := func(sender string, body ...any) *dbus.Message {
		m := request("Changed", body...)
		m.Type = dbus.TypeSignal
		m.Headers[dbus.FieldSender] = dbus.MakeVariant(sender)
		return m
	}
	answer := request("", "answer")
	answer.Type = dbus.TypeMethodReply
	delete(answer.Headers, dbus.FieldMember)
	answer.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(uint32(1))
	undecodable := encode(t, signal("org.freedesktop.DBus", map[uint32]string{1: "x"}), binary.LittleEndian, 1)
	undecodable = bytes.Replace(undecodable, []byte("a{us}"), []byte("a{bs}"), 1)

	whisper := signal(":1.9", "to us alone")
	whisper.Headers[dbus.FieldDestination] = dbus.MakeVariant(":1.1")
	f.send(whisper, 1)
	f.send(signal(":1.9", "to everybody"), 1)
	f.send(signal("org.freedesktop.DBus", strings.Repeat("x", maxOther)), 1)
	if _, err := f.Write(undecodable); err != nil {
		t.Fatal(err)
	}
	f.send(request("Call"), 1)
	f.send(signal("org.freedesktop.DBus", "from the bus"), 1)
	f.send(answer, 1)
	f.reply(1)
	for _, want := range []string{"to everybody", "from the bus", "answer"} {
		select {
		case m := <-f.passed:
			if m.Body[0] != want {
				t.Errorf("%v was handed on, not %q", m, want)
			}
		case <-time.After(patience):
			t.Fatalf("%q was not handed on", want)
		}
	}
}

func TestASignalDoesNotOvertakeAnOlderAnswer(t *testing.T) {
	var w *wire
	signal, begun := encode(t, request("Changed"), binary.LittleEndian, 9), make(chan struct{})
	f, w := newFarEnd(t, handlerFunc(func(c *Call) {
		<-begun
		c.Reply(func() Reply { // sees the old state; then the state changes and a signal says so
			go func() { _, _ = w.Write(signal) }()
			for range 1000 { // it has all the time it could want
				runtime.Gosched()
			}
			reply, _ := Values("old")
			return reply
		})
	}))
	close(begun)
	f.send(request("Get"), 1)
	f.reply(1)
	if m, err := dbus.DecodeMessage(f.in); err != nil || m.Headers[dbus.FieldMember].Value() != "Changed" {
		t.Errorf("after the answer came %v %v", m, err)
	}
}

// TestABusThatTakesNothingIsNotRead floods a wire whose answers nobody reads:
// it must stop reading, and go on when they are read.
func TestABusThatTakesNothingIsNotRead(t *testing.T) {
	const calls = 100_000
	handled := 0
	long, err := Values(strings.Repeat("x", 500))
	if err != nil {
		t.Fatal(err)
	}
	f, w := newFarEnd(t, handlerFunc(func(c *Call) {
		handled++ // by the one goroutine that reads
		c.Reply(func() Reply { return long })
	}))
	raw := encode(t, request("Get"), binary.LittleEndian, 1)
	sent := 0
	for ; sent < calls; sent++ {
		if err := f.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Write(raw); err != nil {
			if n > 0 { // the rest of it
				_ = f.SetWriteDeadline(time.Now().Add(patience))
				go func() { _, _ = f.Write(raw[n:]) }()
				sent++
			}
			break
		}
	}
	if sent == calls {
		t.Fatalf("%d calls were taken though nobody reads the answers", calls)
	}
	for range sent {
		if _, err := dbus.DecodeMessage(f.in); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d calls fit between the two ends", sent)
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	if cap(w.out.pending) > keptBuffer {
		t.Errorf("%d bytes of memory stay", cap(w.out.pending))
	}
}

func TestReadEndsWithTheConnection(t *testing.T) {
	f, w := newFarEnd(t, handlerFunc(echo)) // its cleanup waits for the reader
	f.send(request("Call"), 1)
	f.reply(1)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.in.ReadByte(); err != io.EOF {
		t.Errorf("the far end reads %v", err)
	}
}
