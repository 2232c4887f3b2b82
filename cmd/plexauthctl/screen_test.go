// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rsc.io/qr"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestNoQROffATerminal(t *testing.T) {
	for mode, want := range map[qrMode]bool{qrAuto: false, qrAlways: true, qrNever: false} {
		p := newPerson(t)
		r := p.begin("login", "--qr="+string(mode))
		drawn := false
		for line := range r.lines {
			drawn = drawn || strings.Contains(line, "█")
			if strings.Contains(line, "\x1b") {
				t.Errorf("a control sequence off a terminal: %q", line)
			}
			if strings.HasPrefix(line, "Waiting until") {
				p.claim(p.state().Pin.Code)
			}
		}
		if drawn != want {
			t.Errorf("with --qr=%s a QR code is drawn: %t", mode, drawn)
		}
	}
}

// TestQRCodeIsRight compares the blocks with the modules of the code.
func TestQRCodeIsRight(t *testing.T) {
	const quiet = 4 // ISO 18004
	strong := "https://app.plex.tv/auth#?clientID=3f0c&code=" + strings.Repeat("a", 25) + strings.Repeat("&x=y", 60)
	for _, text := range []string{"https://plex.tv/link/?pin=ABCD", strong} {
		always := qrAlways
		drawing, err := always.draw(text, 0)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(text, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		dark := map[rune][2]bool{'█': {false, false}, '▀': {false, true}, '▄': {true, false}, ' ': {true, true}}
		lines := strings.Split(strings.TrimRight(drawing, "\n"), "\n")
		for row, line := range lines {
			if width := utf8.RuneCountInString(line); width != code.Size+2*quiet {
				t.Fatalf("line %d has width %d, not %d", row, width, code.Size+2*quiet)
			}
			for column, block := range []rune(line) {
				for half := range 2 {
					x, y := column-quiet, 2*row+half-quiet
					if y < code.Size+quiet && dark[block][half] != code.Black(x, y) {
						t.Fatalf("module %d,%d is wrong in:\n%s", x, y, drawing)
					}
				}
			}
		}
		if 2*len(lines) < code.Size+2*quiet-1 {
			t.Errorf("the quiet zone is too small:\n%s", drawing)
		}
	}
	always := qrAlways
	if _, err := always.draw(strings.Repeat("a", qrCapacity+1), 0); err == nil {
		t.Error("a link that does not fit is drawn")
	}
}

// TestNamesCannotControlTheTerminal has a user whose name is not a name.
func TestNamesCannotControlTheTerminal(t *testing.T) {
	s := client.Status{State: client.SignedIn}
	words := stateWords(s, client.User{Title: "al\x1b[2Jice\nroot\u202e"})
	if words != "Signed in as al\uFFFD[2Jice root\uFFFD" {
		t.Errorf("%q", words)
	}
}

func TestMinutes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 59500 * time.Millisecond: "1:00", 299 * time.Second: "4:59", 75 * time.Minute: "75:00",
	} {
		if got := minutes(d); got != want {
			t.Errorf("%v is %s, not %s", d, got, want)
		}
	}
}
