// SPDX-License-Identifier: Apache-2.0

package pinqr_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/retune-tv/plexauthd/dbusapi/pinqr"
)

const (
	short = "https://plex.tv/link/?pin=AB3X"
	quiet = 4 // modules, by ISO 18004
)

// long is a link as a strong code has it.
var long = "https://app.plex.tv/auth#?clientID=3f0c4f5e-1d94-4f6b-8e3c-2d7a9b0f1e2d&code=v4ztc1rhmyh3kbyrmb3gxtqqu" +
	strings.Repeat("&context%5Bdevice%5D%5BdeviceName%5D=K%C3%BCche", 4)

// bitmap is a drawing with one value a module, margin included.
type bitmap [][]bool

// want is what has to be drawn for text.
func want(t *testing.T, text string) bitmap {
	t.Helper()
	code, err := qr.Encode(text, qr.Q)
	if err != nil {
		t.Fatal(err)
	}
	drawn := newBitmap(code.Size + 2*quiet)
	for y := range code.Size {
		for x := range code.Size {
			drawn[y+quiet][x+quiet] = code.Black(x, y)
		}
	}
	return drawn
}

func newBitmap(side int) bitmap {
	b := make(bitmap, side)
	for y := range b {
		b[y] = make([]bool, side)
	}
	return b
}

func TestPNG(t *testing.T) {
	for text, largest := range map[string]int{short: pinqr.MaxScale, long: 9} {
		want := want(t, text)
		for scale := 1; scale <= largest; scale++ {
			drawn, err := pinqr.PNG(text, scale)
			if err != nil {
				t.Fatal(err)
			}
			if depth, colour := drawn[24], drawn[25]; depth != 1 || colour != 0 {
				t.Errorf("scale %d: bit depth %d, colour type %d, want 1 bit of grey", scale, depth, colour)
			}
			picture, err := png.Decode(bytes.NewReader(drawn))
			if err != nil {
				t.Fatalf("scale %d: %v", scale, err)
			}
			comparePixels(t, picture, want, max(scale, 2))
		}
	}
}

func comparePixels(t *testing.T, picture image.Image, want bitmap, scale int) {
	t.Helper()
	side := len(want) * scale
	if picture.Bounds() != image.Rect(0, 0, side, side) {
		t.Fatalf("scale %d: %v, want %d pixels a side", scale, picture.Bounds(), side)
	}
	for y := range side {
		for x := range side {
			if black := picture.At(x, y) == (color.Gray{}); black != want[y/scale][x/scale] {
				t.Fatalf("scale %d: the pixel at %d, %d is wrong", scale, x, y)
			}
		}
	}
}

func TestSVG(t *testing.T) {
	for _, text := range []string{short, long} {
		want := want(t, text)
		document, err := pinqr.SVG(text, 5)
		if err != nil {
			t.Fatal(err)
		}
		var svg struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Width   int      `xml:"width,attr"`
			Height  int      `xml:"height,attr"`
			ViewBox string   `xml:"viewBox,attr"`
			Paths   []struct {
				Fill string `xml:"fill,attr"`
				D    string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := xml.Unmarshal(document, &svg); err != nil {
			t.Fatal(err)
		}
		side := len(want)
		if svg.Width != 5*side || svg.Height != 5*side || svg.ViewBox != fmt.Sprintf("0 0 %d %d", side, side) {
			t.Errorf("%d by %d, view %s, want %d modules of 5", svg.Width, svg.Height, svg.ViewBox, side)
		}
		if p := svg.Paths; len(p) != 2 || p[0].Fill != "#fff" || p[0].D != fmt.Sprintf("M0 0h%dv%dH0z", side, side) || p[1].Fill != "" {
			t.Fatalf("the paths are not a white ground and black modules: %.200s", document)
		}
		if drawn := rasterize(t, svg.Paths[1].D, side); fmt.Sprint(drawn) != fmt.Sprint(want) {
			t.Errorf("%s is drawn wrong", text)
		}
	}
}

// rasterize fills the rows of modules that a path names.
func rasterize(t *testing.T, path string, side int) bitmap {
	t.Helper()
	drawn := newBitmap(side)
	row := regexp.MustCompile(`^M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	for path != "" {
		match := row.FindStringSubmatch(path)
		if match == nil || match[3] != match[4] {
			t.Fatalf("not a row of modules: %.40s", path)
		}
		path = path[len(match[0]):]
		x, _ := strconv.Atoi(match[1])
		y, _ := strconv.Atoi(match[2])
		width, _ := strconv.Atoi(match[3])
		for i := range width {
			drawn[y][x+i] = true
		}
	}
	return drawn
}

// TestReadersRead shows the pictures to zbar, which knows nothing of how they were
// made. A scale of 1 is drawn at 2.
func TestReadersRead(t *testing.T) {
	for _, text := range []string{short, long} {
		for _, scale := range []int{1, 3, pinqr.DefaultScale} {
			drawn, err := pinqr.PNG(text, scale)
			if err != nil {
				t.Fatal(err)
			}
			zbar := exec.Command("zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "png:-")
			zbar.Stdin, zbar.Stderr = bytes.NewReader(drawn), t.Output()
			read, err := zbar.Output()
			if got := strings.TrimSuffix(string(read), "\n"); err != nil || got != text {
				t.Errorf("scale %d: zbar reads %q (%v), want %q", scale, got, err, text)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	for _, draw := range []func(string, int) ([]byte, error){pinqr.PNG, pinqr.SVG} {
		if _, err := draw(strings.Repeat("x", 1663), 1); err != nil {
			t.Error(err)
		}
		if _, err := draw(strings.Repeat("x", 1664), 1); err == nil {
			t.Error("1664 bytes at level Q are more than a QR code holds")
		}
	}
}
