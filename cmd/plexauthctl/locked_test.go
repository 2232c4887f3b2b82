// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestLocked(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	bob := p.AddHomeUser("Bob", "4711")
	c := p.Client()
	if err := c.SwitchUser(p.bounded(), bob, secret.New("4711")); err != nil {
		t.Fatal(err)
	}
	token, err := c.Token(p.bounded())
	if err != nil {
		t.Fatal(err)
	}
	watch, err := c.Watch(p.bounded())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Plex.Revoke(token.Reveal()); err != nil {
		t.Fatal(err)
	}
	p.prints(exitSignedOut, "refused\n", "", "validate")
	for event := range watch.Events {
		if event.Kind == client.AuthChanged {
			if event.Reason != client.ReasonUserLocked || event.Status.State != client.Locked {
				t.Errorf("heard %+v", event)
			}
			break
		}
	}
	p.prints(exitSignedOut, "has to enter the PIN again: plexauthctl switch", "", "status")
	p.prints(exitSignedOut, "", "has to enter the PIN again: plexauthctl switch", "headers", "--with-token")
	p.prints(exitSignedOut, "", "has to enter the PIN again: plexauthctl switch", "servers")
	p.prints(exitDone, "* Bob    managed, PIN", "", "users")
	p.prints(exitDone, "Signed out", "", "logout")
}
