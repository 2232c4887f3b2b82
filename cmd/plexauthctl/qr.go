// SPDX-License-Identifier: Apache-2.0

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

// draw gives the QR code of text with an empty line after it, without colours, or
// nothing if the mode is against it or the width does not suffice. A width of 0 is
// no terminal.
func (m qrMode) draw(text string, width int) (string, error) {
	if m == qrNever || (m == qrAuto && width == 0) {
		return "", nil
	}
	lines, err := qrLines(text)
	if err != nil || (m == qrAuto && qrWidth(lines) > width) {
		return "", err
	}
	return strings.Join(lines, "\n") + "\n\n", nil
}

// qrLines draws the QR code of text, light where there are blocks.
func qrLines(text string) ([]string, error) {
	if len(text) > qrCapacity {
		return nil, errors.New("the link is too long for a QR code: use --qr=never")
	}
	var drawing bytes.Buffer
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &drawing)
	return strings.Split(strings.TrimSuffix(drawing.String(), "\n"), "\n"), nil
}

func qrWidth(lines []string) int { return utf8.RuneCountInString(lines[0]) }

// lightOnDark colours a line of a QR code whatever the terminal's own colours are:
// not every phone reads the reverse.
func lightOnDark(line string) string { return "\x1b[97;40m" + line + "\x1b[0m" }
