// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Error says what is wrong with a configuration file and what is accepted
// instead. It does not repeat the value of a setting: a URL may hold a password.
type Error struct {
	File    string
	Line    int    // counted from 1; 0 if the problem is not on one line
	Key     string // such as pairing.timeout; "" if the problem is not about one key
	Problem string
}

// Error returns one line, FILE:LINE: KEY: problem, and what is accepted,
// without the parts that are not known.
func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d", text, e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return oneLine(text + ": " + e.Problem)
}

// oneLine replaces control characters, because keys and file names may
// contain any.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
