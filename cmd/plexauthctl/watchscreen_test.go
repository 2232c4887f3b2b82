// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

func TestWatchOnATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "watch")
	s.await("Nobody is signed in")
	pin, err := p.Client().RequestPin(p.bounded(), client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.await("Pairing: code " + pin.Code + " at https://plex.tv/link, 4:")
	s.await("Daemon:  plexauthd " + clienttest.Version + ", mode legacy")
	p.claim(pin.Code)
	s.await("Signed in as alice")
	s.await("pairing ended: claimed")
	if err := p.Client().SelectServer(p.bounded(), client.Server{MachineID: "a1b2", URI: "http://10.0.0.2:32400"}); err != nil {
		t.Fatal(err)
	}
	s.await("Server:  http://10.0.0.2:32400 (a1b2)")
	s.fits(80, 24)
	p.StopDaemon()
	s.await("plexauthd is not running\r\n\r\n")
	p.StartDaemon()
	s.await("Signed in as alice")
	daemontest.Resize(t, s.terminal, 80, 9)
	s.await("Ctrl-C ends")
	for strings.Contains(s.frame(), "pairing ended: claimed") { // an old event, for which there is no room
		s.await("Ctrl-C ends")
		piece := <-s.pieces
		s.text += piece
	}
	s.fits(80, 9)
	s.ctrlC()
	s.ends(exitDone, "", "")
}

// Who may not know the name does not see it.
func TestWatchWithoutLeave(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	p := withoutLeave(t)
	p.SignIn()
	s := p.sit(80, 24, "watch")
	s.await("Signed in\r\n")
	s.ctrlC()
	s.ends(exitDone, "", "")
	if strings.Contains(s.text, clienttest.Username) {
		t.Errorf("a name is shown:\n%s", s.text)
	}
}
