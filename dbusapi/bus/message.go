// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"encoding/binary"

	"github.com/godbus/dbus/v5"
)

// message is one D-Bus message in the wire format.
type message []byte

// Offsets in the fixed part of the header, and the maximum size of a message, of
// the D-Bus specification.
const (
	kindAt         = 1
	flagsAt        = 2
	bodyLengthAt   = 4
	serialAt       = 8
	fieldsLengthAt = 12
	headLength     = 16
	maxMessage     = 128 << 20
)

func (m message) order() binary.ByteOrder {
	if m[0] == 'B' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (m message) kind() dbus.Type { return dbus.Type(m[kindAt]) }

func (m message) flags() dbus.Flags { return dbus.Flags(m[flagsAt]) }

func (m message) serial() uint32 { return m.order().Uint32(m[serialAt:]) }

func (m message) bodyAt() int64 {
	fields := int64(m.order().Uint32(m[fieldsLengthAt:]))
	return headLength + (fields+7)&^7
}

func (m message) size() int64 { return m.bodyAt() + int64(m.order().Uint32(m[bodyLengthAt:])) }

// fields are from the header of a message, nil or 0 where they are missing.
type fields struct {
	path, iface, member, sender, destination, signature, errorName []byte
	replyTo                                                        uint32 // number of a call
}

// fields parses the header of a message that is there up to its body. The bus has
// checked it; ok is false if it is wrong, or has a field of a kind that the D-Bus
// specification does not know.
func (m message) fields() (f fields, ok bool) {
	end := int(m.order().Uint32(m[fieldsLengthAt:])) + headLength
	if end < headLength || end > len(m) {
		return f, false
	}
	for at := headLength; at < end; at = (at + 7) &^ 7 {
		if end-at < 5 || m[at+1] != 1 || m[at+3] != 0 {
			return f, false
		}
		field, kind, value := dbus.HeaderField(m[at]), m[at+2], at+4
		var text []byte
		if text, at = m.text(kind, value, end); at < 0 {
			return f, false
		}
		switch field {
		case dbus.FieldReplySerial:
			if kind == 'u' {
				f.replyTo = m.order().Uint32(m[value:])
			}
		case dbus.FieldPath:
			f.path = text
		case dbus.FieldInterface:
			f.iface = text
		case dbus.FieldMember:
			f.member = text
		case dbus.FieldSender:
			f.sender = text
		case dbus.FieldDestination:
			f.destination = text
		case dbus.FieldSignature:
			f.signature = text
		case dbus.FieldErrorName:
			f.errorName = text
		}
	}
	return f, true
}

// text reads a value of one of the types that header fields have: nil is a
// number. next is where it ends, or -1 where it is wrong.
func (m message) text(kind byte, at, end int) (text []byte, next int) {
	length := 0
	switch {
	case kind == 'u' && at+4 <= end:
		return nil, at + 4
	case kind == 'g':
		length, at = int(m[at]), at+1
	case (kind == 's' || kind == 'o') && at+4 <= end:
		length, at = int(m.order().Uint32(m[at:])), at+4
	default:
		return nil, -1
	}
	if length < 0 || length >= end-at { // a zero byte follows the text
		return nil, -1
	}
	return m[at : at+length], at + length + 1
}

// plainValues reads a body of texts and 64-bit numbers, which is what most
// calls have; godbus takes five times the memory for that. ok is false if there
// is anything else in it.
func (m message) plainValues(signature []byte) (values []any, ok bool) {
	at := int(m.bodyAt())
	for _, kind := range signature {
		switch kind {
		case 's':
			var text []byte
			if text, at = m.text('s', (at+3)&^3, len(m)); at < 0 {
				return nil, false
			}
			values = append(values, string(text))
		case 't':
			if at = (at + 7) &^ 7; len(m)-at < 8 {
				return nil, false
			}
			values = append(values, m.order().Uint64(m[at:]))
			at += 8
		default:
			return nil, false
		}
	}
	return values, true
}
