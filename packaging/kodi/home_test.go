//go:build kodi

package kodi

import (
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

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
	ada := b.sim.AddUser(plextvsim.User{Username: "ada", Title: "Ada", HomeAdmin: true})
	ben, err := b.sim.AddHomeUser(ada, plextvsim.User{Title: "Ben", Restricted: true})
	must(t, err)
	must(t, b.sim.SetPIN(ben, "2468"))
	pin, err := b.client.RequestPin(t.Context(), client.PinOptions{})
	must(t, err)
	must(t, b.sim.Claim(pin.Code, ada))
	await(t, "signed in", func() bool { return b.status().Authenticated })

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
