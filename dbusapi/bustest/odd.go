// SPDX-License-Identifier: Apache-2.0

package bustest

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Odd is a method call that no library sends.
type Odd struct {
	Name string
	Raw  []byte // as it travels
	// Valid tells that the D-Bus specification allows it, so that a bus passes it
	// on and the callee has to answer.
	Valid bool
}

// field is one of the header of a message: its code, type and value as it travels.
type field struct {
	code  byte
	kind  string
	value any // string, uint32, uint64 or []byte as it is
}

// Codes of header fields in the D-Bus specification.
const (
	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldDestination = 6
	fieldSender      = 7
	fieldSignature   = 8
	fieldFDs         = 9
	fieldUnknown     = 200
)

// odd is a message that can be anything.
type odd struct {
	order                byte // 'l', 'B' or wrong
	kind, flags, version byte
	serial               uint32
	fields               []field
	body                 []byte
}

// OddCalls gives calls of a method that takes a{sv}, with that serial number, for
// a program with the bus name to. sender is what the bus would add, "" where it does.
func OddCalls(to, path, iface, member, sender string, serial uint32) []Odd {
	call := func(signature, body string) odd {
		m := odd{order: 'l', kind: 1, version: 1, serial: serial, body: []byte(body), fields: []field{
			{fieldPath, "o", path}, {fieldInterface, "s", iface}, {fieldMember, "s", member},
			{fieldDestination, "s", to}, {fieldSignature, "g", signature},
		}}
		if sender != "" {
			m.fields = append(m.fields, field{fieldSender, "s", sender})
		}
		return m
	}
	var calls []Odd
	for _, c := range append(oddBodies(call), oddHeaders(call, path)...) {
		calls = append(calls, Odd{Name: c.name, Raw: c.encode(), Valid: c.valid})
	}
	return calls
}

// oddCall is an odd call, with its name and whether it is valid.
type oddCall struct {
	name  string
	valid bool
	odd
}

// oddBodies have arguments that are odd.
func oddBodies(call func(signature, body string) odd) []oddCall {
	variants := func(depth int) string { return strings.Repeat("\x01v\x00", depth) + "\x01y\x00\x07" }
	return []oddCall{
		{"a text for a number", false, call("t", "\x01\x00\x00\x00x\x00")},
		{"no body for the signature", false, call("s", "")},
		{"bytes after the body", false, call("s", "\x01\x00\x00\x00x\x00\x00\x00\x00\x00")},
		{"a text that is not UTF-8", false, call("s", "\x02\x00\x00\x00\xff\xfe\x00")},
		{"a text with a zero", false, call("s", "\x03\x00\x00\x00x\x00y\x00")},
		{"a text without an end", false, call("s", "\x01\x00\x00\x00xy")},
		{"a text longer than the message", false, call("s", "\xff\xff\xff\x7fx\x00")},
		{"a text of 4 GiB", false, call("s", "\xff\xff\xff\xffx\x00")},
		{"an array longer than the message", false, call("ay", "\x00\x00\x00\x04x")},
		{"padding that is not zero", false, call("yu", "\x01\xff\xff\xff\x01\x00\x00\x00")},
		{"a boolean of 2", false, call("b", "\x02\x00\x00\x00")},
		{"a bad path for an argument", false, call("o", "\x02\x00\x00\x00//\x00")},
		{"a variant of two types", false, call("v", "\x02yy\x00\x01\x01")},
		{"a variant without a type", false, call("v", "\x00\x00")},
		{"a signature that does not close", false, call("(s", "\x01\x00\x00\x00x\x00")},
		{"a dictionary without an array", false, call("{sv}", "")},
		{"an empty struct", false, call("()", "")},
		{"a type that does not exist", false, call("!", "x")},
		{"variants in variants, 63 deep", true, call("v", variants(62))},
		{"variants in variants, 65 deep", false, call("v", variants(64))},
		{"variants in variants, 5000 deep", false, call("v", variants(5000))},
		{"arrays in arrays, 32 deep", true, call(strings.Repeat("a", 32)+"y", "\x00\x00\x00\x00")},
		{"arrays in arrays, 33 deep", false, call(strings.Repeat("a", 33)+"y", "\x00\x00\x00\x00")},
		{"structs in structs, 32 deep", true, call(strings.Repeat("(", 32)+"y"+strings.Repeat(")", 32), "\x07")},
		{"structs in structs, 33 deep", false, call(strings.Repeat("(", 33)+"y"+strings.Repeat(")", 33), "\x07")},
		{"255 arguments", true, call(strings.Repeat("y", 255), strings.Repeat("\x07", 255))},
		{"an index of a file descriptor without one", true, call("h", "\x00\x00\x00\x00")},
	}
}

// oddHeaders are calls of a method with a text whose header is odd.
func oddHeaders(call func(signature, body string) odd, path string) []oddCall {
	with := func(change func(m *odd)) odd {
		m := call("s", "\x01\x00\x00\x00x\x00")
		change(&m)
		return m
	}
	without := func(code byte) odd {
		return with(func(m *odd) {
			for i, f := range m.fields {
				if f.code == code {
					m.fields = append(m.fields[:i:i], m.fields[i+1:]...)
					break
				}
			}
		})
	}
	more := func(f field) odd { return with(func(m *odd) { m.fields = append(m.fields, f) }) }
	return []oddCall{
		{"big-endian", true, with(func(m *odd) { m.order, m.body = 'B', []byte("\x00\x00\x00\x01x\x00") })},
		{"no byte order", false, with(func(m *odd) { m.order = 'x' })},
		{"no type of a message", false, with(func(m *odd) { m.kind = 0 })},
		{"another version", false, with(func(m *odd) { m.version = 2 })},
		{"number 0", false, with(func(m *odd) { m.serial = 0 })},
		{"flags that do not exist", true, with(func(m *odd) { m.flags = 0xf8 })},
		{"a body without a signature", false, without(fieldSignature)},
		{"file descriptors that are not sent", false, more(field{fieldFDs, "u", uint32(1)})},
		{"no path", false, without(fieldPath)},
		{"no member", false, without(fieldMember)},
		{"no interface", true, without(fieldInterface)},
		{"two paths", false, more(field{fieldPath, "o", path})},
		{"two signatures", false, more(field{fieldSignature, "g", "t"})},
		{"a path of another type", false, with(func(m *odd) { m.fields[0].kind = "s" })},
		{"a member of another type", false, with(func(m *odd) { m.fields[2].kind = "o" })},
		{"a bad path", false, with(func(m *odd) { m.fields[0].value = "no/path" })},
		{"a bad interface", false, with(func(m *odd) { m.fields[1].value = "interface" })},
		{"a bad member", false, with(func(m *odd) { m.fields[2].value = "a.member" })},
		{"a field that does not exist", true, more(field{fieldUnknown, "s", "text"})},
		{"a number in a field that does not exist", true, more(field{fieldUnknown, "t", uint64(7)})},
		{"field 0", false, more(field{0, "s", "text"})},
		{"a field longer than the header", false, more(field{fieldUnknown, "s", []byte("\xff\xff\xff\x7f")})},
	}
}

// encode gives the message as it travels.
func (m odd) encode() []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if m.order == 'B' {
		order = binary.BigEndian
	}
	raw := []byte{m.order, m.kind, m.flags, m.version}
	raw = order.AppendUint32(raw, uint32(len(m.body)))
	raw = order.AppendUint32(raw, m.serial)
	raw = order.AppendUint32(raw, 0)
	start := len(raw)
	for _, f := range m.fields {
		raw = append(aligned(raw, 8), f.code, byte(len(f.kind)))
		raw = append(append(raw, f.kind...), 0)
		raw = f.encode(raw, order)
	}
	length := order.AppendUint32(nil, uint32(len(raw)-start))
	copy(raw[start-4:], length)
	return append(aligned(raw, 8), m.body...)
}

func (f field) encode(raw []byte, order binary.AppendByteOrder) []byte {
	switch value := f.value.(type) {
	case []byte:
		return append(aligned(raw, 4), value...)
	case uint32:
		return order.AppendUint32(aligned(raw, 4), value)
	case uint64:
		return order.AppendUint64(aligned(raw, 8), value)
	case string:
		if f.kind == "g" {
			raw = append(raw, byte(len(value)))
		} else {
			raw = order.AppendUint32(aligned(raw, 4), uint32(len(value)))
		}
		return append(append(raw, value...), 0)
	}
	return raw
}

func aligned(raw []byte, to int) []byte {
	return append(raw, bytes.Repeat([]byte{0}, -len(raw)&(to-1))...)
}
