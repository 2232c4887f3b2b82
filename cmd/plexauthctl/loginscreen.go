// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// fullLogin is a view that has the whole terminal, from the first code on.
type fullLogin struct {
	*fullScreen // nil until then
	program     *program
	qr          qrMode

	pairing client.Pairing // none when its time is over
	code    []string       // the QR code's lines, none if nobody wants it
	left    time.Duration
	message string // in place of the countdown
}

func (v *fullLogin) changed() <-chan os.Signal { return v.resized }

func (v *fullLogin) leave() {
	if v.fullScreen != nil {
		v.close()
	}
}

func (v *fullLogin) showPairing(p client.Pairing, _ bool) error {
	v.pairing, v.code, v.message = p, nil, ""
	v.left = p.ExpiresAt.Sub(v.program.clock.Now())
	var err error
	if v.qr != qrNever {
		if v.code, err = qrLines(p.AuthURI); err != nil {
			return err
		}
	}
	if v.fullScreen == nil {
		if v.fullScreen, err = v.program.openFullScreen(); err != nil {
			return err
		}
	}
	v.show()
	return nil
}

func (v *fullLogin) countdown(left time.Duration) {
	v.left = left
	v.show()
}

func (v *fullLogin) note(event, text string) error {
	switch event {
	case eventGone:
		v.message = text
	case eventBack:
		v.message = ""
	}
	v.show()
	return nil
}

func (v *fullLogin) showSignedIn(u client.User, already bool) error {
	v.leave()
	v.program.printf("%s\n", loginWords(u, already))
	return nil
}

func (v *fullLogin) offer() <-chan struct{} {
	if v.enter == nil || v.closed {
		return nil
	}
	select {
	case <-v.enter: // pressed before there was anything to say yes to
	default:
	}
	v.pairing, v.code = client.Pairing{}, nil // nobody is to enter it any more
	v.message = "The code has expired. Enter gives a new one"
	v.show()
	return v.enter
}

// show draws as much as has room: the QR code is the first to go.
func (v *fullLogin) show() {
	v.measure()
	frame := v.frame(lightOnDark, bold)
	if !v.fits(v.frame(plain, plain)) {
		frame = v.smallFrame()
	}
	v.draw(frame)
}

// frame has it all.
func (v *fullLogin) frame(light, emphasis func(string) string) []string {
	var lines []string
	for _, line := range v.code {
		lines = append(lines, light(line))
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	return append(lines, v.words(emphasis)...)
}

// smallFrame has no QR code, but what to do about that, if there is room.
func (v *fullLogin) smallFrame() []string {
	words := v.words(bold)
	if len(v.code) == 0 {
		return words
	}
	wide := max(80, qrWidth(v.code))
	advice := []string{fmt.Sprintf("The QR code needs a terminal of %d columns and %d rows", wide, rows(v.frame(plain, plain), wide)), ""}
	if v.fits(append(advice, v.words(plain)...)) {
		return append(advice, words...)
	}
	return words
}

func (v *fullLogin) words(emphasis func(string) string) []string {
	message := v.message
	if message == "" {
		message = "Waiting, " + minutes(v.left) + " left"
	}
	message += ". Ctrl-C ends"
	if v.pairing.ID == 0 {
		return []string{message}
	}
	return append(instructions(v.pairing, emphasis), "", message)
}
