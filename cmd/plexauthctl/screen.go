// SPDX-License-Identifier: Apache-2.0

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

// loginView is what a person sees of a login, or what a program reads.
type loginView interface {
	showPairing(p client.Pairing, joined bool) error
	countdown(left time.Duration)
	// note reports an event; some views ignore one without text.
	note(event, text string) error
	showSignedIn(u client.User, already bool) error
	// offer asks whether to continue with a new code. The channel receives when
	// somebody agrees; it is nil where nobody can be asked.
	offer() <-chan struct{}
	// changed receives when countdown has to draw the view again.
	changed() <-chan os.Signal
	// leave gives the terminal back. Nothing is drawn from then on.
	leave()
}

func newLoginView(p *program, qr qrMode) loginView {
	switch {
	case p.json:
		return &jsonLogin{program: p}
	case p.canDraw():
		return &fullLogin{program: p, qr: qr}
	}
	return &plainLogin{program: p, width: terminalWidth(p.out.w), qr: qr}
}

// terminalWidth is that of a terminal in characters, 0 for what is none.
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

// once is a view that nobody can answer and that is not drawn again.
type once struct{}

func (once) countdown(time.Duration)   {}
func (once) offer() <-chan struct{}    { return nil }
func (once) changed() <-chan os.Signal { return nil }
func (once) leave()                    {}

// plainLogin is a view of lines, without control sequences.
type plainLogin struct {
	once
	program *program
	width   int // of the terminal in characters, 0 if it is none
	qr      qrMode
}

func (v *plainLogin) showPairing(p client.Pairing, _ bool) error {
	drawing, err := v.qr.draw(p.AuthURI, v.width)
	if err != nil {
		return err
	}
	v.program.printf("%s%s\n\nWaiting until %s\n", drawing, strings.Join(instructions(p, plain), "\n"), p.ExpiresAt.Format(time.TimeOnly))
	return nil
}

// instructions say what to do with a code, which is shown with emphasis.
func instructions(p client.Pairing, emphasis func(string) string) []string {
	if len(p.Code) <= longestTyped {
		code := strings.Join(strings.Split(plain(p.Code), ""), "  ")
		return []string{"Open " + plain(p.LinkURI) + " on a phone or computer and enter", "", "        " + emphasis(code)}
	}
	return []string{"Scan the QR code with a phone, or open", "", plain(p.AuthURI)}
}

func (v *plainLogin) note(_, text string) error {
	if text != "" {
		v.program.printf("%s\n", text)
	}
	return nil
}

func (v *plainLogin) showSignedIn(u client.User, already bool) error {
	v.program.printf("%s\n", loginWords(u, already))
	return nil
}

func loginWords(u client.User, already bool) string {
	if already {
		return signedInAs(u) + " already; --force signs in again"
	}
	return signedInAs(u)
}

// jsonLogin is a view of one JSON object a line.
type jsonLogin struct {
	once
	program *program
}

func (v *jsonLogin) showPairing(p client.Pairing, joined bool) error {
	return v.program.printJSON(struct {
		Event string `json:"event"`
		client.Pairing
		Joined bool `json:"joined"`
	}{"pairing", p, joined})
}

func (v *jsonLogin) note(event, _ string) error {
	return v.program.printJSON(map[string]string{"event": event})
}

func (v *jsonLogin) showSignedIn(u client.User, already bool) error {
	return v.program.printJSON(struct {
		Event   string      `json:"event"`
		User    client.User `json:"user,omitzero"`
		Already bool        `json:"already"`
	}{"signed-in", u, already})
}

// minutes writes a duration as 4:59.
func minutes(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
