// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// openWithCode opens the sign-in screen and gives the pairing that it shows.
func openWithCode(b *box, k *Kodi) client.Pairing {
	b.Helper()
	k.Run(addonID)
	k.AwaitShown("kind", "code")
	k.await("the QR code is there", func() bool { return k.Shows("picture") != "" })
	pin := b.pin()
	for i, character := range pin.Code {
		if got, want := k.Shows("tile"+string(rune('1'+i))), "glyphs/"+string(character)+".png"; got != want {
			b.Errorf("character %d of %s is shown as %q", i+1, pin.Code, got)
		}
	}
	return pin
}

// wantReadable fails unless the screen's QR code reads as the pairing's link, also
// in a picture of it that was changed.
func wantReadable(b *box, k *Kodi, pin client.Pairing, name string, changes ...[]string) {
	b.Helper()
	await(b, "the screen's QR code reads "+pin.AuthURI, func() bool {
		return reads(b, k.Picture(name)) == pin.AuthURI
	})
	picture := k.Picture(name)
	for _, change := range changes {
		if got := reads(b, changed(b, picture, change)); got != pin.AuthURI {
			b.Errorf("after %v the QR code reads %q, want %s", change, got, pin.AuthURI)
		}
	}
}

// uses is another add-on, that asks for the headers.
var uses = map[string]string{
	"script.uses.plexauthd/addon.xml": `<addon id="script.uses.plexauthd" name="Uses" version="1.0.0" provider-name="Test">
  <requires><import addon="xbmc.python" version="3.0.0"/><import addon="script.plexauthd"/></requires>
  <extension point="xbmc.python.script" library="default.py"/>
</addon>
`,
	"script.uses.plexauthd/default.py": `import xbmcgui
from plexauthd import api
home = xbmcgui.Window(10000)
try:
    home.setProperty("Uses.Token", "yes" if "X-Plex-Token" in api.headers() else "no")
    home.setProperty("Uses.User", api.user().get("title", ""))
except api.Unavailable as cause:
    home.setProperty("Uses.Token", "unavailable")
`,
}

// TestSignIn is a whole sign-in, with a second frontend.
func TestSignIn(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{Width: 1920, Height: 1080, Others: uses})
	k.AwaitHome("PlexAuth.State", "signed-out")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "no")

	pin := openWithCode(b, k)
	other := b.frontend()
	other.Await("code " + pin.Code)
	wantReadable(b, k, pin, "code-1080", overscan, acrossTheRoom)
	k.AwaitHome("PlexAuth.State", "pairing")

	b.claim(pin.Code)
	k.AwaitClosed()
	k.await("a notification", func() bool { return k.Is("Window.IsVisible(notification)") })
	k.Glance("signed-in")
	other.Await("heard True signed-in")
	k.AwaitHome("PlexAuth.State", "signed-in")
	k.AwaitHome("PlexAuth.Authenticated", "true")
	k.AwaitHome("PlexAuth.User", "Ada")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "yes")
	k.AwaitHome("Uses.User", "Ada")

	b.daemon.End()
	k.AwaitHome("PlexAuth.State", "")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "unavailable")
}

func TestSmallScreenInGerman(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{Language: "resource.language.de_de"})
	pin := openWithCode(b, k)
	wantReadable(b, k, pin, "code-720", overscan, acrossTheRoom)
	k.AwaitShown("left", "Gültig noch")
}

// TestEveryPictureInGerman walks through the screen's pictures in another language,
// on a large screen. What they look like is for people: dist/kodi has them.
func TestEveryPictureInGerman(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{Width: 1920, Height: 1080, Language: "resource.language.de_de"})
	pin := openWithCode(b, k)
	wantReadable(b, k, pin, "german-code")
	must(t, b.client.CancelPin(t.Context(), pin.ID))
	k.AwaitShown("text", "Er wurde an anderer Stelle auf diesem Gerät abgebrochen.")
	k.Look("german-over")
	b.Sim.Fail(plextvsim.CaptivePortal())
	k.Choose("Neuer Code")
	k.AwaitShown("text", "Statt Plex antwortet etwas anderes. Verlangt das Netzwerk erst eine Anmeldung?")
	k.Look("german-no-network")
	b.daemon.End()
	k.AwaitShown("title", "Der Anmeldedienst antwortet nicht")
	k.Look("german-no-daemon")
	b.Sim.Clear()
	b.start()
	k.AwaitShown("kind", "code")
	k.Input("Back")
	k.AwaitClosed()

	b.signInWithFamily()
	k.Run(addonID)
	k.AwaitShown("name", "Ada")
	k.Choose("Benutzer wechseln")
	k.await("the users", func() bool { return k.Is("Window.IsActive(selectdialog)") })
	k.Look("german-users")
	k.Input("Select")
	k.typePIN("1111")
	k.await("a notification", func() bool { return k.Is("Window.IsVisible(notification)") })
	k.Glance("german-pin-pad")
	k.Input("Back")
	k.await("no PIN pad", func() bool { return !k.Is("Window.IsActive(numericinput)") })
	k.Look("german-account")
}

func TestLongCode(t *testing.T) {
	b := newBox(t)
	pin, err := b.client.RequestPin(t.Context(), client.PinOptions{Strong: true})
	must(t, err)
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("scan_only", "Please scan this code: it is too long to type.")
	wantReadable(b, k, pin, "long-720", overscan)
}
