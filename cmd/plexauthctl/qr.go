package main

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/mdp/qrterminal/v3"
)

// qrMode says when to draw a QR code. It is a flag's value.
type qrMode string

const (
	qrAuto   qrMode = "auto"
	qrAlways qrMode = "always"
	qrNever  qrMode = "never"
)

// String implements pflag.Value.
func (m *qrMode) String() string { return string(*m) }

// Type implements pflag.Value.
func (m *qrMode) Type() string { return "WHEN" }

// Set implements pflag.Value.
func (m *qrMode) Set(text string) error {
	switch mode := qrMode(text); mode {
	case qrAuto, qrAlways, qrNever:
		*m = mode
		return nil
	}
	return errors.New("must be auto, always or never")
}

// qrCapacity is what a QR code holds in bytes (ISO 18004, version 40-L).
const qrCapacity = 2953

// draw gives the QR code of text as lines, or nothing if the mode is against it
// or the width does not suffice. A width of 0 is no terminal.
func (m qrMode) draw(text string, width int) (string, error) {
	if m == qrNever || (m == qrAuto && width == 0) {
		return "", nil
	}
	if len(text) > qrCapacity {
		return "", errors.New("the link is too long for a QR code: use --qr=never")
	}
	var drawing bytes.Buffer
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &drawing)
	lines := strings.Split(strings.TrimSuffix(drawing.String(), "\n"), "\n")
	if m == qrAuto && utf8.RuneCountInString(lines[0]) > width {
		return "", nil
	}
	if width > 0 {
		for i, line := range lines {
			// Light on dark whatever the terminal's own colours are: not every
			// phone reads the reverse.
			lines[i] = "\x1b[97;40m" + line + "\x1b[0m"
		}
	}
	return strings.Join(lines, "\n") + "\n\n", nil
}
