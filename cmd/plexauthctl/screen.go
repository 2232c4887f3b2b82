package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// clearLine goes to the start of the line and empties it (ECMA-48).
const clearLine = "\r\x1b[K"

// screen is what a person sees of a login, or what a program reads with --json.
type screen struct {
	program *program
	width   int // of the terminal in characters, 0 if it is none
	qr      qrMode
}

func newScreen(p *program, qr qrMode) *screen {
	return &screen{program: p, width: terminalWidth(p.out.w), qr: qr}
}

// terminalWidth is 0 for what is not a terminal that obeys control sequences.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// live reports whether the countdown can be updated in place.
func (s *screen) live() bool { return s.width > 0 && !s.program.json }

func (s *screen) showPairing(p client.Pairing, joined bool) error {
	if s.program.json {
		return s.program.printJSON(struct {
			Event string `json:"event"`
			client.Pairing
			Joined bool `json:"joined"`
		}{"pairing", p, joined})
	}
	printf := s.program.printf
	drawing, err := s.qr.draw(p.AuthURI, s.width)
	if err != nil {
		return err
	}
	printf("%s", drawing)
	if len(p.Code) <= longestTyped {
		printf("Open %s on a phone or computer and enter\n\n        %s\n\n", plain(p.LinkURI), s.emphasis(spaced(plain(p.Code))))
	} else {
		printf("Scan the QR code with a phone, or open\n\n%s\n\n", plain(p.AuthURI))
	}
	if !s.live() {
		printf("Waiting until %s\n", p.ExpiresAt.Format(time.TimeOnly))
	}
	return nil
}

func spaced(code string) string { return strings.Join(strings.Split(code, ""), "  ") }

func (s *screen) emphasis(text string) string {
	if s.live() {
		return "\x1b[1m" + text + "\x1b[0m"
	}
	return text
}

func (s *screen) countdown(left time.Duration) {
	if s.live() {
		s.program.printf("%sWaiting, %s left", clearLine, minutes(left))
	}
}

func (s *screen) clearCountdown() {
	if s.live() {
		s.program.printf("%s", clearLine)
	}
}

// note tells that something has happened; without text only with --json.
func (s *screen) note(event, text string) error {
	switch {
	case s.program.json:
		return s.program.printJSON(map[string]string{"event": event})
	case text != "":
		s.clearCountdown()
		s.program.printf("%s\n", text)
	}
	return nil
}

func (s *screen) showSignedIn(u client.User, already bool) error {
	if s.program.json {
		return s.program.printJSON(struct {
			Event   string      `json:"event"`
			User    client.User `json:"user,omitzero"`
			Already bool        `json:"already"`
		}{"signed-in", u, already})
	}
	if already {
		s.program.printf("%s already; --force signs in anew\n", signedInAs(u))
	} else {
		s.program.printf("%s\n", signedInAs(u))
	}
	return nil
}

// minutes writes a duration as 4:59.
func minutes(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
