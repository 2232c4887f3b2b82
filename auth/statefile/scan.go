// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"fmt"
	"strings"
)

// Limits of a document. The decoder recurses once a level and builds the full
// name of every key again for every part of it: without limits a file of
// 1 MiB can make it run out of stack (which Go cannot recover from) or memory.
const (
	maxDepth = 32  // of arrays and inline tables in each other
	maxKey   = 256 // bytes of a key or of a table's name as written
)

// blank is what may stand before a statement in its line: white space, and a
// byte order mark in the first line.
const blank = " \t\ufeff"

// statement is one logical line of a document: a key with its value, a table
// header, a comment or a blank line, with its line ends.
type statement struct {
	text    string
	comment int // where the comment starts in text; -1 if there is none
}

// scanner finds where the statements of a TOML document end. It takes any
// text and is exact for what the decoder accepts.
type scanner struct {
	text    string
	pos     int
	line    int // counts from 1
	depth   int
	keyFrom int // where a key may have started
	comment int
}

// statements splits text, which they make up again in order, or says which
// line exceeds a limit.
func statements(text string) ([]statement, error) {
	sc := scanner{text: text, line: 1}
	var all []statement
	for sc.pos < len(text) {
		start := sc.pos
		if err := sc.statement(); err != nil {
			return nil, err
		}
		st := statement{text: text[start:sc.pos], comment: -1}
		if sc.comment >= 0 {
			st.comment = sc.comment - start
		}
		all = append(all, st)
	}
	return all, nil
}

// statement moves past one statement.
func (sc *scanner) statement() error {
	sc.depth, sc.comment, sc.keyFrom = 0, -1, sc.pos
	header := strings.HasPrefix(strings.TrimLeft(sc.text[sc.pos:], blank), "[")
	for sc.pos < len(sc.text) {
		c := sc.text[sc.pos]
		switch c {
		case '#':
			sc.skipComment()
			continue
		case '"', '\'':
			sc.skipString()
			continue
		}
		sc.pos++
		if err := sc.punctuation(c, header); err != nil {
			return err
		}
		if c == '\n' && sc.depth == 0 {
			return nil
		}
	}
	return nil
}

// punctuation keeps the counts after one byte outside strings and comments.
func (sc *scanner) punctuation(c byte, header bool) error {
	if (c == '=' || c == ']' && header) && sc.pos-sc.keyFrom > maxKey {
		return fmt.Errorf("line %d: a key of more than %d bytes", sc.line, maxKey)
	}
	switch c {
	case '[', '{':
		sc.depth++
		sc.keyFrom = sc.pos
	case ']', '}':
		sc.depth = max(sc.depth-1, 0)
	case ',':
		sc.keyFrom = sc.pos
	case '\n':
		sc.line++
		sc.keyFrom = sc.pos
	}
	if sc.depth > maxDepth {
		return fmt.Errorf("line %d: values nested deeper than %d levels", sc.line, maxDepth)
	}
	return nil
}

// skipComment moves to the end of the line.
func (sc *scanner) skipComment() {
	if sc.depth == 0 {
		sc.comment = sc.pos
	}
	end := strings.IndexByte(sc.text[sc.pos:], '\n')
	if end < 0 {
		end = len(sc.text) - sc.pos
	}
	sc.pos += end
}

// skipString moves past a string of any of TOML's four kinds.
func (sc *scanner) skipString() {
	quote := sc.text[sc.pos : sc.pos+1]
	long := strings.Repeat(quote, 3)
	if !strings.HasPrefix(sc.text[sc.pos:], long) {
		sc.pos++
		sc.skipTo(quote)
		return
	}
	sc.pos += len(long)
	sc.skipTo(long)
	// A long string may end in one or two quotes of its own.
	for range 2 {
		if strings.HasPrefix(sc.text[sc.pos:], quote) {
			sc.pos++
		}
	}
}

// skipTo moves past the next end, minding escapes in double quotes, or to the
// end of the text.
func (sc *scanner) skipTo(end string) {
	for sc.pos < len(sc.text) {
		rest := sc.text[sc.pos:]
		if strings.HasPrefix(rest, end) {
			sc.pos += len(end)
			return
		}
		if rest[0] == '\\' && end[0] == '"' && len(rest) > 1 {
			sc.pos++
		}
		if sc.text[sc.pos] == '\n' {
			sc.line++
		}
		sc.pos++
	}
}
