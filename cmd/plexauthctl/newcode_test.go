// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestANewCodeForTheAsking(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await("Waiting, ")
	s.types("\r\r") // means nothing yet
	first := p.state().Pin.Code
	if err := p.Plex.ExpirePin(first); err != nil {
		t.Fatal(err)
	}
	s.await("The code has expired. Enter gives a new one. Ctrl-C ends")
	if frame := s.frame(); strings.Contains(frame, "█") || strings.Contains(frame, "plex.tv") {
		t.Errorf("the code that has expired is still shown:\n%s", frame)
	}
	if n := len(p.Plex.Pins()); n != 1 {
		t.Fatalf("%d PINs were requested before anybody wanted one", n)
	}
	s.types("\r")
	s.await("Waiting, ")
	if second := p.state().Pin.Code; second == first || second == "" {
		t.Errorf("the code after %q is %q", first, second)
	}
	p.claim(p.state().Pin.Code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestNobodyWantsANewCode(t *testing.T) {
	for name, test := range map[string]struct {
		act          func(*person, *sitting)
		status       int
		left, stderr string
	}{
		"Ctrl-C":              {func(_ *person, s *sitting) { s.ctrlC() }, exitFailed, "", "plexauthctl: cancelled\n"},
		"signed in elsewhere": {func(p *person, _ *sitting) { p.SignIn() }, exitDone, "Signed in as alice\r\n", ""},
		"no bus":              {func(p *person, _ *sitting) { p.Bus.Stop() }, exitFailed, "", "the connection to the bus has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			p := withTerminal(t)
			s := p.sit(80, 24, "login")
			s.await("Waiting, ")
			if err := p.Plex.ExpirePin(p.state().Pin.Code); err != nil {
				t.Fatal(err)
			}
			s.await("Enter gives a new one")
			test.act(p, s)
			s.ends(test.status, test.left, test.stderr)
		})
	}
}

// Without a keyboard nobody can be asked.
func TestExpiryWithoutAKeyboard(t *testing.T) {
	p := withTerminal(t)
	s := p.newSitting(80, 24)
	s.start(strings.NewReader(""), []string{"login"})
	s.await("Waiting, ")
	if err := p.Plex.ExpirePin(p.state().Pin.Code); err != nil {
		t.Fatal(err)
	}
	s.ends(exitFailed, "", "the code expired before anybody entered it")
}
