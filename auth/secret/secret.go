// SPDX-License-Identifier: Apache-2.0

// Package secret holds values that must never be printed: tokens, the ids that
// fetch them, private keys.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a String yields.
const redacted = "[redacted]"

// String is a text that prints as "[redacted]" with every verb of fmt, in
// log/slog and in JSON, TOML and XML encoders. Only [String.Reveal] returns the text.
// The zero value is the empty secret. A String is immutable and safe for
// concurrent use. Compare with [String.Equal]; == compares identity.
type String struct {
	// A pointer, because fmt prints unexported fields of an enclosing struct
	// without asking their methods: then it prints an address, not the text.
	text *string
}

// New returns text as a secret.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{text: &text}
}

// Reveal returns the text. Call it only where the secret leaves for the
// place it is meant for: a request header, the state file, a privileged reply.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.text == nil }

// Equal reports whether both secrets hold the same text, in constant time for
// texts of the same length.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Format implements [fmt.Formatter] for every verb and flag.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements [fmt.Stringer].
func (s String) String() string { return redacted }

// LogValue implements [slog.LogValuer].
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], which the JSON, TOML and
// XML encoders honour.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }
