package bus

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/godbus/dbus/v5"
)

// wire is a connection to the bus that hands on only what godbus can take.
//
// godbus ends the connection at a message that it cannot decode, and D-Bus has
// valid ones, such as a dictionary with booleans for keys: one call by anybody
// who may read properties would end the daemon. And godbus agrees to file
// descriptors on connections that it knows to carry them, but leaves those
// that come with a call open: callers could use up all that the daemon may have.
type wire struct {
	net.Conn
	in    *bufio.Reader
	begun bool   // messages follow, no more lines of authentication
	rest  []byte // of the message that is being handed on
}

func newWire(conn net.Conn) *wire { return &wire{Conn: conn, in: bufio.NewReader(conn)} }

// Write implements [io.Writer]. The D-Bus specification has BEGIN as the last
// line before messages; godbus writes it alone, and reads on only after it.
func (w *wire) Write(p []byte) (int, error) {
	if string(p) == "BEGIN\r\n" {
		w.begun = true
	}
	return w.Conn.Write(p)
}

// Read implements [io.Reader].
func (w *wire) Read(p []byte) (int, error) {
	if !w.begun {
		return w.in.Read(p)
	}
	for len(w.rest) == 0 {
		m, err := readMessage(w.in)
		if err != nil {
			return 0, err
		}
		if !m.decodable() {
			m = m.blank()
		}
		if m.decodable() {
			w.rest = m
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// message is one D-Bus message in the wire format.
type message []byte

// Where the D-Bus specification puts the lengths, and its limit of a message.
const (
	bodyLengthAt   = 4
	fieldsLengthAt = 12
	headLength     = 16
	maxMessage     = 128 << 20
)

func readMessage(in io.Reader) (message, error) {
	var m bytes.Buffer
	if _, err := io.CopyN(&m, in, headLength); err != nil {
		return nil, err
	}
	size := message(m.Bytes()).size()
	if size > maxMessage {
		return nil, errors.New("the bus has sent a message longer than 128 MiB")
	}
	if _, err := io.CopyN(&m, in, size-headLength); err != nil {
		return nil, err
	}
	return m.Bytes(), nil
}

func (m message) order() binary.ByteOrder {
	if m[0] == 'B' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (m message) bodyAt() int64 {
	fields := int64(m.order().Uint32(m[fieldsLengthAt:]))
	return headLength + (fields+7)&^7
}

func (m message) size() int64 { return m.bodyAt() + int64(m.order().Uint32(m[bodyLengthAt:])) }

func (m message) decodable() (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	_, err := dbus.DecodeMessage(bytes.NewReader(m))
	return err == nil
}

// blank gives the message with one zero byte for each character of its
// signature. No member takes bytes, so the caller hears which argument is wrong.
func (m message) blank() message {
	head := bytes.Clone(m[:m.bodyAt()])
	_, signature, found := bytes.Cut(head[headLength:], []byte{byte(dbus.FieldSignature), 1, 'g', 0})
	if !found || len(signature) <= int(signature[0]) {
		return m
	}
	length := int(signature[0])
	copy(signature[1:], bytes.Repeat([]byte("y"), length))
	m.order().PutUint32(head[bodyLengthAt:], uint32(length))
	return append(head, make([]byte, length)...)
}
