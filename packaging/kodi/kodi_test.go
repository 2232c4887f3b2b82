//go:build kodi

package kodi

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// openWithCode opens the sign-in screen and gives the pairing that it shows.
func openWithCode(b *box, k *Kodi) client.Pairing {
	b.t.Helper()
	k.Run(addonID)
	k.AwaitShown("kind", "code")
	k.await("the QR code is there", func() bool { return k.Shows("picture") != "" })
	pin := b.pin()
	for i, character := range pin.Code {
		if got, want := k.Shows("tile"+string(rune('1'+i))), "glyphs/"+string(character)+".png"; got != want {
			b.t.Errorf("character %d of %s is shown as %q", i+1, pin.Code, got)
		}
	}
	return pin
}

// wantReadable fails unless the screen's QR code reads as the pairing's link.
func wantReadable(b *box, k *Kodi, pin client.Pairing, name string) {
	b.t.Helper()
	await(b.t, "the screen's QR code reads "+pin.AuthURI, func() bool {
		return reads(b.t, k.Picture(name)) == pin.AuthURI
	})
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

// TestSignIn is a whole sign-in, beside a second frontend.
func TestSignIn(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{Width: 1920, Height: 1080, Others: uses})
	k.AwaitHome("PlexAuth.State", "signed-out")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "no")

	pin := openWithCode(b, k)
	other := b.frontend()
	other.awaitLine("code " + pin.Code)
	wantReadable(b, k, pin, "code-1080")
	k.AwaitHome("PlexAuth.State", "pairing")

	b.claim(pin.Code)
	k.AwaitClosed()
	k.await("a notification", func() bool { return k.Is("Window.IsVisible(notification)") })
	k.Look("signed-in")
	other.awaitLine("heard True signed-in")
	k.AwaitHome("PlexAuth.State", "signed-in")
	k.AwaitHome("PlexAuth.Authenticated", "true")
	k.AwaitHome("PlexAuth.User", "Ada")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "yes")
	k.AwaitHome("Uses.User", "Ada")

	b.kill()
	k.AwaitHome("PlexAuth.State", "")
	k.Run("script.uses.plexauthd")
	k.AwaitHome("Uses.Token", "unavailable")
}

func TestSmallScreenInGerman(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{Language: "resource.language.de_de"})
	pin := openWithCode(b, k)
	wantReadable(b, k, pin, "code-720")
	k.AwaitShown("left", "Gültig noch")
}

func TestLongCode(t *testing.T) {
	b := newBox(t)
	pin, err := b.client.RequestPin(t.Context(), client.PinOptions{Strong: true})
	must(t, err)
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("scan_only", "This code is too long to type: please scan it.")
	wantReadable(b, k, pin, "long-720")
}

func TestExpiry(t *testing.T) {
	b := newBox(t)
	b.kill()
	b.configure("timeout = \"10s\"\n")
	b.start()
	k := b.kodi(Options{})
	first := openWithCode(b, k)
	k.AwaitShown("title", "This code is over")
	if got := k.Shows("text"); !strings.HasPrefix(got, "Nobody entered it in time.") {
		t.Errorf("the screen says %q", got)
	}
	k.Look("expired")
	k.Choose("New code")
	k.AwaitShown("kind", "code")
	second := b.pin()
	if second.ID == first.ID || second.Code == first.Code {
		t.Errorf("the new code is the old one: %+v", second)
	}
	wantReadable(b, k, second, "new-code")
}

func TestCancel(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	k.Input("Back")
	k.AwaitClosed()
	await(t, "the pairing is over", func() bool { return b.status().Pin.ID == 0 })

	// What another frontend began goes on without us.
	pin, err := b.client.RequestPin(t.Context(), client.PinOptions{})
	must(t, err)
	if again := openWithCode(b, k); again != pin {
		t.Errorf("Kodi shows %+v, the other frontend %+v", again, pin)
	}
	k.Choose("Cancel")
	k.AwaitClosed()
	if got := b.status().Pin; got != pin {
		t.Errorf("another frontend's pairing is %+v after Back, was %+v", got, pin)
	}
	must(t, b.client.CancelPin(t.Context(), pin.ID))

	// And what ends elsewhere is over here.
	pin = openWithCode(b, k)
	must(t, b.client.CancelPin(t.Context(), pin.ID))
	k.AwaitShown("text", "It was cancelled on another screen of this box.")
}

func TestDaemonDiesAndComesBack(t *testing.T) {
	b := newBox(t)
	b.kill()
	k := b.kodi(Options{})
	const away = "plexauthd is not running. This screen goes on by itself as soon as it is."
	k.Run(addonID)
	k.AwaitShown("text", away)
	k.Look("no-daemon")
	b.start()
	k.AwaitShown("kind", "code")
	pin := b.pin()

	b.kill()
	k.AwaitShown("text", away)
	b.start()
	k.AwaitShown("kind", "code")
	if again := b.pin(); again != pin {
		t.Errorf("after a restart the pairing is %+v, was %+v", again, pin)
	}

	b.kill()
	k.AwaitShown("text", away)
	b.claim(pin.Code)
	b.start()
	k.AwaitClosed()
	k.AwaitHome("PlexAuth.State", "signed-in")
}

func TestBusDies(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	b.bus.Stop()
	k.AwaitShown("text", "The D-Bus of this box cannot be reached. This screen keeps trying.")
	k.AwaitHome("PlexAuth.State", "")
	k.Input("Back")
	k.AwaitClosed()
	k.Run(addonID)
	k.AwaitShown("title", "The sign-in service does not answer")
}

func TestNoNetwork(t *testing.T) {
	b := newBox(t)
	b.sim.Fail(plextvsim.Fault{Reset: true})
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("text", "Plex cannot be reached. Please check the network. This screen keeps trying.")
	k.Look("no-network")
	b.sim.Clear()
	b.sim.Fail(plextvsim.CaptivePortal())
	k.Choose("Try again")
	k.AwaitShown("text", "Something else answers in place of Plex. Does this network want a sign-in first?")
	b.sim.Clear()
	b.sim.Fail(plextvsim.Fault{Reset: true})
	k.Choose("Try again")
	k.AwaitShown("title", "There is no code yet")
	b.sim.Clear()
	k.AwaitShown("kind", "code") // by itself
	k.Input("Back")
	k.AwaitClosed()
}

func TestTwoRunsAtOnce(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	k.Run(addonID)
	k.AwaitShown("kind", "code")
	k.Run(addonID)
	k.await("both runs have asked", func() bool {
		return strings.Count(k.Log(), "asked for the sign-in screen") == 2
	})
	k.Input("Back")
	k.AwaitClosed()
	await(t, "the pairing is over", func() bool { return b.status().Pin.ID == 0 })
	// Twice round, and the service has seen all that was asked of it.
	b.kill()
	k.AwaitHome("PlexAuth.State", "")
	b.start()
	k.AwaitHome("PlexAuth.State", "signed-out")
	if pins := len(b.sim.Pins()); pins != 1 || k.Is(window) {
		t.Errorf("plex.tv was asked for %d codes; the screen is there: %v", pins, k.Is(window))
	}
	openWithCode(b, k)
}

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

// TestKodiEnds quits Kodi while the screen is open.
func TestKodiEnds(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	openWithCode(b, k)
	k.Call("Application.Quit", map[string]any{}, nil)
	if took := k.AwaitEnd(); took > 5*time.Second {
		t.Errorf("Kodi took %v to end: a script held it up", took)
	}
	if pin := b.status().Pin; pin.ID != 0 {
		t.Errorf("the pairing that nobody can see goes on: %+v", pin)
	}
}

// TestTwentyPairings looks for what a run leaves behind, and how long people wait
// between their claim and the end of the screen.
func TestTwentyPairings(t *testing.T) {
	b := newBox(t)
	k := b.kodi(Options{})
	var before int64
	var took []time.Duration
	for round := range 30 {
		pin := openWithCode(b, k)
		b.claim(pin.Code)
		took = append(took, k.AwaitClosed())
		b.signOut()
		k.AwaitHome("PlexAuth.State", "signed-out")
		if round == 9 {
			before = k.Memory() // what is loaded once, and what a pool of memory keeps, is no growth
		}
	}
	growth := (k.Memory() - before) >> 10
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("20 pairings: %d KiB more, the screen closed %v after the claim (%v to %v)", growth, median, took[0], took[len(took)-1])
	if growth > 10<<10 {
		t.Errorf("20 pairings took %d KiB", growth)
	}
	// Half of them, because a busy machine holds single ones up.
	if median > time.Second {
		t.Errorf("the screen closed %v after the claim", median)
	}
}
