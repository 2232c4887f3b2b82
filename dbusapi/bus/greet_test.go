// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// The serials of the first two calls.
const (
	helloSerial = ownSerials + 1 + iota
	requestSerial
)

// scripted is a bus that greets one client with lines and, once it asks for a name,
// with messages. It returns the bus's address.
func scripted(t *testing.T, lines string, messages ...*dbus.Message) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var said []byte
	for _, m := range messages {
		said = append(said, encode(t, m, binary.LittleEndian, 7)...)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		defer socket.Close()
		in := bufio.NewReader(socket)
		_, _ = socket.Write([]byte(lines))
		if _, err = in.ReadString('y'); err == nil { // the end of its name, x.y
			for i := range said { // in as many pieces as there can be
				_, _ = socket.Write(said[i : i+1])
			}
			_, _ = in.ReadByte() // until it goes
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-ended })
	return "unix:path=" + path
}

// answerTo is an answer, an error if it is named.
func answerTo(serial uint32, failure string, body ...any) *dbus.Message {
	m := request("", body...)
	delete(m.Headers, dbus.FieldMember)
	m.Type, m.Headers[dbus.FieldReplySerial] = dbus.TypeMethodReply, dbus.MakeVariant(serial)
	if failure != "" {
		m.Type, m.Headers[dbus.FieldErrorName] = dbus.TypeError, dbus.MakeVariant(failure)
	}
	return m
}

const accepted = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n"

func TestRefusedGreetings(t *testing.T) {
	hello := answerTo(helloSerial, "", ":1.7")
	for _, greeted := range []struct{ want, address string }{
		{`connecting to the bus "BUS": authenticating: the bus says "REJECTED EXTERNAL`, scripted(t, "REJECTED EXTERNAL\r\n")},
		{`connecting to the bus "BUS": authenticating: the bus says "REJECTED COOKIE`, scripted(t, "DATA\r\nREJECTED COOKIE\r\n")},
		{`connecting to the bus "BUS": too many`, scripted(t, accepted, answerTo(helloSerial, "x.Limits", "too many"))},
		{"taking the bus name x.y: not you", scripted(t, accepted, hello, answerTo(requestSerial, "x.AccessDenied", "not you"))},
		{"taking the bus name x.y: another process has it", scripted(t, accepted, hello,
			answerTo(requestSerial, "", uint32(dbus.RequestNameReplyExists)))},
		{"taking the bus name x.y: another process has it", scripted(t, accepted, hello, answerTo(requestSerial, ""))},
	} {
		_, err := Serve(t.Context(), greeted.address, "x.y", nil)
		want := strings.ReplaceAll(greeted.want, "BUS", greeted.address)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		var notTaken *NameError
		if named := strings.HasPrefix(want, "taking"); errors.As(err, &notTaken) != named {
			t.Errorf("%v is an error about the name, or is none", err)
		}
	}
}

// TestCallBeforeTheNameIsKnownToBeOurs comes from a bus that has started the service
// for it.
func TestCallBeforeTheNameIsKnownToBeOurs(t *testing.T) {
	signal := request("NameAcquired", "x.y")
	signal.Type = dbus.TypeSignal
	address := scripted(t, accepted, answerTo(helloSerial, "", ":1.7"), signal, request("Early", "text"),
		answerTo(requestSerial, "", uint32(dbus.RequestNameReplyPrimaryOwner)), request("Late"))
	called := make(chan string, 2)
	conn, err := Serve(t.Context(), address, "x.y", handlerFunc(func(c *Call) { called <- string(c.Member) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, want := range []string{"Early", "Late"} {
		select {
		case got := <-called:
			if got != want {
				t.Errorf("%s was called, not %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s was not called", want)
		}
	}
}

// TestGivenUp does not wait for a bus that says nothing after the context has ended.
func TestGivenUp(t *testing.T) {
	address := scripted(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Serve(ctx, address, "x.y", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
