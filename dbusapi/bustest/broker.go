// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

// Broker stands in for a bus, one that looks at nothing and passes file descriptors
// as dbus-broker does: it disconnects a client that would be sent one and has not
// negotiated.
type Broker struct {
	Address string

	refuses atomic.Bool
	owner   atomic.Pointer[BrokerConn]
	answer  func(c *BrokerConn, call *dbus.Message, fds []int) []any
	ended   atomic.Int32
	serving sync.WaitGroup
	mu      sync.Mutex
	sockets []net.Conn
}

// BrokerConn is a connection to a [Broker].
type BrokerConn struct {
	broker     *Broker
	socket     *net.UnixConn
	in         *bufio.Reader
	fds        []int // that have been received with what is in
	negotiated bool
	mu         sync.Mutex // for sending
}

// NewBroker starts one. answer gets each message and gives what a call returns,
// with each [dbus.UnixFD] passed along; a [*dbus.Error] alone is an error. fds came
// with the message and are closed when answer returns. Hello and RequestName are
// answered without it. The bus ends with the test.
func NewBroker(t testing.TB, answer func(c *BrokerConn, m *dbus.Message, fds []int) []any) *Broker {
	t.Helper()
	dir, err := os.MkdirTemp("", "broker") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "bus")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{Address: "unix:path=" + socket, answer: answer}
	t.Cleanup(func() { _ = listener.Close(); b.end() })
	b.serving.Go(func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.sockets = append(b.sockets, socket)
			b.mu.Unlock()
			b.serving.Go(func() { b.serve(socket.(*net.UnixConn)) })
		}
	})
	return b
}

func (b *Broker) end() {
	b.mu.Lock()
	for _, socket := range b.sockets {
		_ = socket.Close()
	}
	b.mu.Unlock()
	b.serving.Wait()
}

// Owner is the connection that has asked for a name last.
func (b *Broker) Owner() *BrokerConn { return b.owner.Load() }

// PassNone has it answer NEGOTIATE_UNIX_FD with an error from now on.
func (b *Broker) PassNone() { b.refuses.Store(true) }

// Ended gives how many connections have been ended because of a descriptor.
func (b *Broker) Ended() int { return int(b.ended.Load()) }

func (b *Broker) serve(socket *net.UnixConn) {
	c := &BrokerConn{broker: b, socket: socket}
	c.in = bufio.NewReader(c)
	defer socket.Close()
	if !c.authenticate() {
		return
	}
	for {
		m, err := dbus.DecodeMessage(c.in)
		if err != nil {
			return
		}
		var fds []int
		if count, ok := m.Headers[dbus.FieldUnixFDs].Value().(uint32); ok {
			fds, c.fds = c.fds[:count], c.fds[count:]
		}
		var body []any
		switch m.Headers[dbus.FieldMember].Value() {
		case "Hello":
			body = []any{":1.1"}
		case "RequestName":
			b.owner.Store(c)
			body = []any{uint32(1)}
		default:
			body = b.answer(c, m, fds)
		}
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		if m.Type == dbus.TypeMethodCall {
			c.reply(m, body)
		}
	}
}

// Read implements [io.Reader], and keeps the descriptors that come along.
func (c *BrokerConn) Read(p []byte) (int, error) {
	if !c.negotiated {
		return c.socket.Read(p)
	}
	control := make([]byte, syscall.CmsgSpace(4*16))
	n, length, _, _, err := c.socket.ReadMsgUnix(p, control)
	messages, _ := syscall.ParseSocketControlMessage(control[:length])
	for _, m := range messages {
		fds, _ := syscall.ParseUnixRights(&m)
		c.fds = append(c.fds, fds...)
	}
	return max(n, 0), err
}

// authenticate takes everybody.
func (c *BrokerConn) authenticate() bool {
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		answer := "REJECTED EXTERNAL"
		switch {
		case line == "BEGIN\r\n":
			return true
		case strings.Contains(line, "AUTH EXTERNAL"):
			answer = "DATA"
		case line == "DATA\r\n":
			answer = "OK 0123456789abcdef0123456789abcdef"
		case line == "NEGOTIATE_UNIX_FD\r\n" && c.broker.refuses.Load():
			answer = "ERROR not here"
		case line == "NEGOTIATE_UNIX_FD\r\n":
			answer, c.negotiated = "AGREE_UNIX_FD", true
		}
		if _, err := c.socket.Write([]byte(answer + "\r\n")); err != nil {
			return false
		}
	}
}

func (c *BrokerConn) reply(call *dbus.Message, body []any) {
	m := &dbus.Message{Type: dbus.TypeMethodReply, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant("org.freedesktop.DBus"),
	}}
	if len(body) == 1 {
		if failure, ok := body[0].(*dbus.Error); ok {
			m.Type, m.Body = dbus.TypeError, failure.Body
			m.Headers[dbus.FieldErrorName] = dbus.MakeVariant(failure.Name)
		}
	}
	c.Send(m)
}

// Send sends a message with the descriptors in it.
func (c *BrokerConn) Send(m *dbus.Message) {
	raw, fds := Encode(m)
	c.SendRaw(raw, fds...)
}

// Encode gives a message as it travels, and the descriptors in it.
func Encode(m *dbus.Message) (raw []byte, fds []int) {
	if len(m.Body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(m.Body...))
	}
	count, err := m.CountFds()
	if err != nil {
		panic(err)
	}
	if count > 0 {
		m.Headers[dbus.FieldUnixFDs] = dbus.MakeVariant(uint32(count))
	}
	var encoded bytes.Buffer
	fds, err = m.EncodeToWithFDs(&encoded, binary.LittleEndian)
	if err != nil {
		panic(err)
	}
	raw = encoded.Bytes()
	binary.LittleEndian.PutUint32(raw[8:], 1) // the serial
	return raw, fds
}

// SendRaw sends what may be a message, and descriptors with its first byte.
func (c *BrokerConn) SendRaw(raw []byte, fds ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(fds) == 0 {
		_, _ = c.socket.Write(raw) // the reader notices the end
		return
	}
	if !c.negotiated {
		c.broker.ended.Add(1)
		_ = c.socket.Close()
		return
	}
	n, _, err := c.socket.WriteMsgUnix(raw, syscall.UnixRights(fds...), nil)
	if err == nil && n < len(raw) {
		_, _ = c.socket.Write(raw[n:])
	}
}

// End ends the connection.
func (c *BrokerConn) End() { _ = c.socket.Close() }
