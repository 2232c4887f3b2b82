// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

func TestSignOut(t *testing.T) {
	b := newBox(t)
	b.signIn()
	k := b.kodi(Options{})
	k.AwaitHome("PlexAuth.User", "Ada")
	k.Run(addonID)
	k.AwaitShown("kind", "account")
	k.AwaitShown("name", "Ada")
	k.Look("account")
	k.Choose("Sign out")
	k.await("the question", func() bool { return k.Is("Window.IsActive(yesnodialog)") })
	k.Choose("No")
	k.Choose("Sign out")
	k.await("Yes is in focus", func() bool { k.Input("Left"); return k.Is("Control.HasFocus(11)") })
	k.Input("Select")
	k.AwaitClosed()
	if status := b.status(); status.State != client.SignedOut {
		t.Errorf("the state is %s", status.State)
	}
	k.AwaitHome("PlexAuth.State", "signed-out")
	k.AwaitHome("PlexAuth.User", "")

	// Signed out behind the screen's back, it shows a code.
	b.signIn()
	k.Run(addonID)
	k.AwaitShown("kind", "account")
	b.signOut()
	k.AwaitShown("kind", "code")
}

// typePIN types on the PIN pad as the number keys of a remote do.
func (k *Kodi) typePIN(pin string) {
	k.t.Helper()
	k.await("the PIN pad", func() bool { return k.Is("Window.IsActive(numericinput)") })
	for _, digit := range pin {
		k.Call("Input.ExecuteAction", map[string]any{"action": "number" + string(digit)}, nil)
	}
	k.Call("Input.ExecuteAction", map[string]any{"action": "enter"}, nil)
}

// TestSwitchUser switches to another user of the Plex Home, who has a PIN.
func TestSwitchUser(t *testing.T) {
	b := newBox(t)
	b.signInWithFamily()
	k := b.kodi(Options{})
	k.AwaitHome("PlexAuth.User", "Ada")
	k.Run(addonID)
	k.AwaitShown("name", "Ada")
	k.Choose("Switch user")
	k.await("the users", func() bool { return k.Is("Window.IsActive(selectdialog)") })
	k.await("Ben is in focus", func() bool { return k.Label("Container(6).ListItem.Label") == "Ben" })
	k.Look("users")
	k.Input("Select")

	k.typePIN("1111")
	k.await("a notification", func() bool { return k.Is("Window.IsVisible(notification)") })
	k.Look("pin-pad")
	k.typePIN("2468")
	k.AwaitClosed()
	k.AwaitHome("PlexAuth.User", "Ben")
	if status := b.status(); status.State != client.SignedIn {
		t.Errorf("the state is %s", status.State)
	}
}
