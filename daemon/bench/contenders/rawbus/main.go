// SPDX-License-Identifier: Apache-2.0

// Command rawbus is the cheapest that a D-Bus service in Go can be: one thread, which
// blocks in read(2) without the Go scheduler, and one answer, made in advance. It takes
// a name, says READY=1 and answers every call with the names and values that follow on
// its command line.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

func main() {
	b := connect()
	hello := []byte("AUTH EXTERNAL " + hex.EncodeToString([]byte(strconv.Itoa(os.Getuid()))) + "\r\n")
	b.write([]byte{0})
	b.write(hello)
	b.read() // OK
	b.in = nil
	b.write([]byte("BEGIN\r\n"))
	b.ask("Hello", "", nil)
	request := binary.LittleEndian.AppendUint32(aligned(text(nil, os.Args[1]), 4), 0)
	b.ask("RequestName", "su", request)
	notify()
	b.serve(answer(os.Args[2:]))
}

// bus is a connection.
type bus struct {
	socket int
	in     []byte // what has been read
	buffer [8192]byte
}

func connect() *bus {
	path, _, _ := strings.Cut(strings.TrimPrefix(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "unix:path="), ",")
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Connect(socket, &syscall.SockaddrUnix{Name: path})
	}
	if err != nil {
		log.Fatal(err)
	}
	return &bus{socket: socket}
}

func (b *bus) write(text []byte) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(b.socket), uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
	if errno != 0 || int(n) != len(text) {
		log.Fatal("writing: ", errno)
	}
}

func (b *bus) read() {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(b.socket), uintptr(unsafe.Pointer(&b.buffer[0])), uintptr(len(b.buffer)))
	if errno == syscall.EINTR || errno == syscall.EAGAIN {
		return
	}
	if errno != 0 || n == 0 {
		log.Fatal("reading: ", errno)
	}
	b.in = append(b.in, b.buffer[:n]...)
}

// next returns the next message.
func (b *bus) next() []byte {
	for {
		if len(b.in) >= 16 {
			fields := int(binary.LittleEndian.Uint32(b.in[12:]))
			size := 16 + (fields+7)&^7 + int(binary.LittleEndian.Uint32(b.in[4:]))
			if len(b.in) >= size {
				m := append([]byte(nil), b.in[:size]...)
				b.in = append(b.in[:0], b.in[size:]...)
				return m
			}
		}
		b.read()
	}
}

// Types of messages, and fields of their heads.
const (
	methodCall, methodReturn, failure = 1, 2, 3

	path, iface, member, replySerial, destination, sender, signature = 1, 2, 3, 5, 6, 7, 8
)

// message is a message in the making.
type message struct{ head []byte }

func begin(kind byte, body int) message {
	m := message{[]byte{'l', kind, 0, 1}}
	m.head = binary.LittleEndian.AppendUint32(m.head, uint32(body))
	m.head = binary.LittleEndian.AppendUint32(m.head, 1) // the serial
	return message{binary.LittleEndian.AppendUint32(m.head, 0)}
}

func (m *message) field(code byte, kind string, value []byte) {
	m.head = append(aligned(m.head, 8), code, 1, kind[0], 0)
	m.head = append(m.head, value...)
}

// with returns the whole message.
func (m *message) with(body []byte) []byte {
	binary.LittleEndian.PutUint32(m.head[12:], uint32(len(m.head)-16))
	return append(aligned(m.head, 8), body...)
}

// ask calls the bus and waits for the answer.
func (b *bus) ask(name, types string, body []byte) {
	const of = "org.freedesktop.DBus"
	m := begin(methodCall, len(body))
	m.field(path, "o", text(nil, "/org/freedesktop/DBus"))
	m.field(destination, "s", text(nil, of))
	m.field(iface, "s", text(nil, of))
	m.field(member, "s", text(nil, name))
	if types != "" {
		m.field(signature, "g", append([]byte{byte(len(types))}, types+"\x00"...))
	}
	b.write(m.with(body))
	for {
		switch b.next()[1] {
		case methodReturn:
			return
		case failure:
			log.Fatal("the bus refuses ", name)
		}
	}
}

// serve answers every call with the same body.
func (b *bus) serve(body []byte) {
	var serial [4]byte
	for {
		call := b.next()
		if call[1] != methodCall {
			continue
		}
		copy(serial[:], call[8:])
		m := begin(methodReturn, len(body))
		m.field(replySerial, "u", serial[:])
		m.field(destination, "s", text(nil, senderOf(call)))
		m.field(signature, "g", []byte("\x05a{ss}\x00"))
		b.write(m.with(body))
	}
}

// senderOf finds who has sent a message. The fields of a call are texts, but for the
// signature.
func senderOf(call []byte) string {
	end := 16 + int(binary.LittleEndian.Uint32(call[12:]))
	for at := 16; at < end; at = (at + 7) &^ 7 {
		code, kind := call[at], call[at+2]
		at += 4
		if kind == 'g' {
			at += int(call[at]) + 2
			continue
		}
		n := int(binary.LittleEndian.Uint32(call[at:]))
		if kind == 'u' {
			n = -1
		} else if code == sender {
			return string(call[at+4 : at+4+n])
		}
		at += 4 + n + 1
	}
	return ""
}

// answer is the body of a{ss}.
func answer(pairs []string) []byte {
	body := make([]byte, 8) // the length, and padding
	for i := 0; i+1 < len(pairs); i += 2 {
		body = text(aligned(body, 8), pairs[i])
		body = text(aligned(body, 4), pairs[i+1])
	}
	binary.LittleEndian.PutUint32(body, uint32(len(body)-8))
	return body
}

func aligned(b []byte, to int) []byte {
	for len(b)%to != 0 {
		b = append(b, 0)
	}
	return b
}

func text(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(append(b, s...), 0)
}

// notify says READY=1 where there is a service manager.
func notify() {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Sendto(socket, []byte("READY=1"), 0, &syscall.SockaddrUnix{Name: address})
	}
	if err != nil {
		log.Fatal(err)
	}
}
