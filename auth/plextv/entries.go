// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bufio"
	"errors"
	"io"
)

// maxEntry is how long an entry of a list may be, and still be read.
const maxEntry = 768 << 10

var errBroken = errors.New("JSON that is cut off or broken")

// readEntries gives each value of the JSON list in from to take, in which it is not
// checked yet and only good until take returns. One that is too long is nil. Null is
// a list without values. It keeps one value in memory at a time.
func readEntries(from io.Reader, take func(entry []byte) error) error {
	r := &entryReader{from: bufio.NewReader(from), kept: make([]byte, 0, 4<<10)}
	switch first, err := r.next(); {
	case err == nil && first == 'n':
		return r.rest("ull")
	case err != nil || first != '[':
		return errBroken
	}
	for first := true; ; first = false {
		entry, last, err := r.entry()
		if err != nil {
			return err
		}
		if empty := entry != nil && len(entry) == 0; empty && (!first || !last) {
			return errBroken
		} else if !empty {
			if err := take(entry); err != nil {
				return err
			}
		}
		if last {
			return r.rest("")
		}
	}
}

// entryReader finds where the values of a list end.
type entryReader struct {
	from *bufio.Reader
	kept []byte
}

// entry reads up to the comma after a value, or to the end of the list. The value is
// empty if there is none, and nil if it is too long.
func (r *entryReader) entry() (entry []byte, last bool, err error) {
	r.kept = r.kept[:0]
	depth, long := 0, false
	for {
		b, err := r.next()
		if err != nil {
			return nil, false, errBroken
		}
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth < 0 || depth == 0 && b == ',' {
			if last = depth < 0; last && b != ']' {
				return nil, false, errBroken
			}
			if long {
				return nil, last, nil
			}
			return r.kept[:len(r.kept):len(r.kept)], last, nil
		}
		r.keep(b, &long)
		if b == '"' {
			if err := r.string(&long); err != nil {
				return nil, false, err
			}
		}
	}
}

// string reads what follows the quotation mark at the start of a string.
func (r *entryReader) string(long *bool) error {
	for escaped := false; ; {
		b, err := r.from.ReadByte()
		if err != nil {
			return errBroken
		}
		r.keep(b, long)
		switch {
		case escaped:
			escaped = false
		case b == '\\':
			escaped = true
		case b == '"':
			return nil
		}
	}
}

func (r *entryReader) keep(b byte, long *bool) {
	if *long = *long || len(r.kept) == maxEntry; !*long {
		r.kept = append(r.kept, b)
	}
}

// next is the next byte that is no white space.
func (r *entryReader) next() (byte, error) {
	for {
		b, err := r.from.ReadByte()
		if err != nil || b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return b, err
		}
	}
}

// rest accepts exactly the text that is left, and white space after it.
func (r *entryReader) rest(text string) error {
	for _, want := range []byte(text) {
		if b, err := r.from.ReadByte(); err != nil || b != want {
			return errBroken
		}
	}
	if _, err := r.next(); err != io.EOF {
		return errBroken
	}
	return nil
}
