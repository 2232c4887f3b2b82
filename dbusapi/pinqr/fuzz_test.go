// SPDX-License-Identifier: Apache-2.0

package pinqr_test

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"image/png"
	"testing"

	"rsc.io/qr"

	"github.com/retune-tv/plexauthd/dbusapi/pinqr"
)

// largest is the size in bytes that no picture of a code may reach: the 177
// modules a side of the largest one and their margin, a bit a pixel.
const largest = (177 + 2*quiet) * pinqr.MaxScale * ((177+2*quiet)*pinqr.MaxScale/8 + 8)

// FuzzDraw draws any text at any scale in both formats: both show the same code,
// white around, in the size that was asked for.
func FuzzDraw(f *testing.F) {
	for scale, text := range []string{"", "1234567890", "ABC $%*+-./:", short, long, "\x00\xff\u2028", string(make([]byte, 1663)), string(make([]byte, 1664))} {
		f.Add(text, byte(scale))
	}
	f.Add(short, byte(pinqr.MaxScale-1))
	f.Fuzz(func(t *testing.T, text string, size byte) {
		scale := 1 + int(size)%pinqr.MaxScale
		if len(text) > 200 {
			scale = min(scale, 3) // pictures of many megapixels take their time
		}
		code, tooLong := qr.Encode(text, qr.Q)
		drawn, err := pinqr.PNG(text, scale)
		vectors, failed := pinqr.SVG(text, scale)
		if (err != nil) != (tooLong != nil) || (failed != nil) != (tooLong != nil) {
			t.Fatalf("%d bytes: %v, %v, %v", len(text), err, failed, tooLong)
		}
		if tooLong != nil {
			return
		}
		if len(drawn) > largest || len(vectors) > largest {
			t.Errorf("%d and %d bytes", len(drawn), len(vectors))
		}
		checkPNG(t, drawn, code, max(scale, 2))
		checkSVG(t, vectors, code, scale)
	})
}

// checkPNG looks at the middle of each module, and of the margin's.
func checkPNG(t *testing.T, drawn []byte, code *qr.Code, scale int) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(drawn))
	if err != nil {
		t.Fatal(err)
	}
	side := code.Size + 2*quiet
	if size := picture.Bounds().Size(); size.X != side*scale || size.Y != side*scale {
		t.Fatalf("%v, not %d modules of %d", size, side, scale)
	}
	for y := range side {
		for x := range side {
			black := picture.At(x*scale+scale/2, y*scale+scale/2) == (color.Gray{})
			if black != code.Black(x-quiet, y-quiet) {
				t.Fatalf("scale %d: the module at %d, %d is wrong", scale, x, y)
			}
		}
	}
}

func checkSVG(t *testing.T, document []byte, code *qr.Code, scale int) {
	t.Helper()
	var svg struct {
		Width  int `xml:"width,attr"`
		Height int `xml:"height,attr"`
		Paths  []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	side := code.Size + 2*quiet
	if err := xml.Unmarshal(document, &svg); err != nil || len(svg.Paths) != 2 || svg.Width != side*scale || svg.Height != side*scale {
		t.Fatalf("%v: %.200s", err, document)
	}
	drawn := rasterize(t, svg.Paths[1].D, side)
	for y := range side {
		for x := range side {
			if drawn[y][x] != code.Black(x-quiet, y-quiet) {
				t.Fatalf("the module at %d, %d is wrong", x, y)
			}
		}
	}
}
