// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

func TestLoginOnATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await(" left. Ctrl-C ends")
	code := p.state().Pin.Code
	for _, text := range []string{"█", "Open https://plex.tv/link on a phone", strings.Join(strings.Split(code, ""), "  "), "Waiting, "} {
		s.await(text)
	}
	s.fits(80, 24)
	if !strings.Contains(s.text, "\x1b[97;40m") {
		t.Error("the QR code's colours are left to the terminal")
	}
	if left := regexp.MustCompile(`Waiting, [45]:[0-9][0-9] left`); !left.MatchString(s.frame()) {
		t.Errorf("no countdown:\n%s", s.frame())
	}
	s.await("Waiting, 4:58 left") // it counts
	p.claim(code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestLoginOnSmallTerminals(t *testing.T) {
	for _, c := range []struct {
		width, height uint16
		args          []string
		advice        string // "" where no QR code is missed
	}{
		{80, 22, nil, "needs a terminal of 80 columns and 23 rows"},
		{32, 24, nil, "needs a terminal"},
		{20, 8, nil, ""},
		{80, 24, []string{"--qr=never"}, ""},
		{80, 24, []string{"--strong"}, "needs a terminal"},
		{40, 2, []string{"--strong"}, ""},
	} {
		p := withTerminal(t)
		s := p.sit(c.width, c.height, append([]string{"login"}, c.args...)...)
		s.await("Ctrl-C ends")
		if frame := s.frame(); strings.Contains(frame, "█") || strings.Contains(frame, "needs a terminal") != (c.advice != "") || !strings.Contains(strings.ReplaceAll(frame, "\r\n", " "), c.advice) {
			t.Errorf("%+v:\n%s", c, frame)
		}
		if c.height > 4 {
			s.fits(int(c.width), int(c.height))
		}
		p.claim(p.state().Pin.Code)
		s.ends(exitDone, "Signed in as alice\r\n", "")
	}
}

func TestLoginOnALargeTerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 41, "login", "--strong")
	s.await("█")
	s.await("https://app.plex.tv/auth#?")
	s.fits(80, 41)
	daemontest.Resize(t, s.terminal, 80, 40)
	s.await("needs a terminal of 80 columns and 41 rows") // within a second, also without a signal
	s.ctrlC()
	s.ends(exitFailed, "", "plexauthctl: cancelled\n")
}

func TestNoControlSequences(t *testing.T) {
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb", "TERM ": ""} {
		p := withTerminal(t)
		t.Setenv(strings.TrimSpace(name), value)
		for _, command := range []string{"login", "watch"} {
			s := p.sit(80, 24, command)
			s.await(map[string]string{"login": "Waiting until ", "watch": "Signed in"}[command])
			if command == "login" {
				p.claim(p.state().Pin.Code)
				s.await("Signed in as alice")
			} else {
				s.ctrlC()
			}
			<-s.status
			if strings.Contains(s.text, "\x1b") {
				t.Errorf("%s with %s=%s: %q", command, name, value, s.text)
			}
		}
	}
}

func TestLoginScreenOverARestart(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await("Waiting, ")
	code := p.state().Pin.Code
	p.StopDaemon()
	s.await("plexauthd has stopped; waiting for it to come back. Ctrl-C ends")
	p.StartDaemon()
	s.await("Waiting, ")
	p.claim(code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestLoginScreenWhenPlexRefuses(t *testing.T) {
	p := withTerminal(t)
	p.Plex.Fail(plextvsim.Fault{Status: 429})
	s := p.sit(80, 24, "login")
	if status := <-s.status; status != exitFailed || s.termios() != s.before || !strings.Contains(s.stderr.String(), "try again later") {
		t.Errorf("exit status %d: %s", status, &s.stderr)
	}
}
