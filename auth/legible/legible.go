// SPDX-License-Identifier: Apache-2.0

// Package legible makes text from elsewhere fit to be kept and sent: in a header, a
// D-Bus message, a line of a log.
package legible

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns text as UTF-8 on one line. U+FFFD stands for what is not UTF-8 and for
// noncharacters, because of which sd-bus refuses a message, and a space for control
// characters and separators of lines, without those at the ends. Everything else
// stays, such as the joiners of Persian and of emoji.
func Text(text string) string {
	if IsText(text) {
		return text
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case isNoncharacter(r):
			return utf8.RuneError
		case isControl(r):
			return ' '
		}
		return r
	}, text))
}

// IsText reports whether [Text] leaves text as it is.
func IsText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return isNoncharacter(r) || isControl(r) })
}

// Cut returns the start of text, at most limit bytes, without half a character.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

func isNoncharacter(r rune) bool { return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef }

// isControl also counts Unicode's separators of lines and paragraphs, which break a
// line of a log as well.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
