// SPDX-License-Identifier: Apache-2.0

// Package pinqr draws a pairing's QR code for frontends that have no library
// for it.
package pinqr

import (
	"bytes"
	"fmt"

	"rsc.io/qr"
)

// The sizes of a module, the smallest square of a QR code, in pixels.
const (
	MaxScale     = 32
	DefaultScale = 8
	minPNG       = 2 // rsc.io/qr panics at 1
)

// quiet is the margin in modules that ISO 18004 wants around a QR code.
const quiet = 4

// level is how much damage a code survives: at Q, a quarter of it. A phone three
// metres away sees a television's glare and its scaling. For the link with a
// short code Q costs nothing, since M has the same 29 modules a side and H has
// 33: smaller modules are the greater risk.
const level = qr.Q

// PNG draws text as a PNG of one bit a pixel, with its margin. scale is the size
// of a module in pixels, from 1 to [MaxScale]; at 1 it draws two. The error is for a text that is
// longer than a QR code holds (1663 bytes).
func PNG(text string, scale int) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	code.Scale = max(scale, minPNG)
	return code.PNG(), nil
}

// SVG draws text as an SVG document, with its margin. scale is that of its natural
// size, and the error as [PNG]'s.
func SVG(text string, scale int) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	side := code.Size + 2*quiet
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges">`,
		side*scale, side*scale, side, side)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", quiet+from, quiet+y, x-from, x-from)
			}
		}
	}
	b.WriteString("\"/></svg>\n")
	return b.Bytes(), nil
}

func encode(text string) (*qr.Code, error) {
	code, err := qr.Encode(text, level)
	if err != nil {
		return nil, fmt.Errorf("drawing the QR code of a link of %d bytes: %w", len(text), err)
	}
	return code, nil
}
