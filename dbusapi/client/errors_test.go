// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func checkCode(t *testing.T, what string, err error, want client.Code) {
	t.Helper()
	if got := client.CodeOf(err); got != want {
		t.Errorf("%s: code %q, not %q: %v", what, got, want, err)
	}
}

func TestErrorsOfTheDaemon(t *testing.T) {
	box, c := start(t)
	ctx := bounded(t)
	_, err := c.Token(ctx)
	checkCode(t, "token when signed out", err, client.AuthRequired)
	var named *client.Error
	if !errors.As(err, &named) || named.Name != names.ErrorPrefix+"AuthRequired" || named.Message == "" {
		t.Errorf("the error is %#v", named)
	}
	_, _, err = c.CheckPin(ctx, 4711)
	checkCode(t, "unknown pairing", err, client.NotFound)
	err = c.StoreCredentials(ctx, client.Credentials{Token: secret.New("made-up")})
	checkCode(t, "refused token", err, client.AuthInvalid)
	for what, token := range map[string]string{"no token": "", "not UTF-8": "a\xff", "NUL": "a\x00b", "line": "a\nb"} {
		err = c.StoreCredentials(ctx, client.Credentials{Token: secret.New(token)})
		checkCode(t, what, err, client.InvalidArgs)
	}

	box.SignIn()
	box.Plex.Fail(plextvsim.CaptivePortal())
	_, err = c.Validate(ctx)
	checkCode(t, "captive portal", err, client.InvalidResponse)
}

func TestErrorsOnTheWay(t *testing.T) {
	box := clienttest.New(t, bustest.Session(t))
	c := dial(t, box.Bus.Address)
	ctx := bounded(t)
	_, err := c.State(ctx)
	checkCode(t, "no daemon", err, client.NotRunning)

	box.StartDaemon()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err = c.State(ended); !errors.Is(err, context.Canceled) || client.CodeOf(err) != "" {
		t.Errorf("ended context: %v", err)
	}

	box.SignIn()
	box.Plex.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Delay: clienttest.Timeout})
	answer := make(chan error, 1)
	go func() {
		_, err := c.Validate(ctx)
		answer <- err
	}()
	if err := box.Plex.Await(ctx, 2, plextvsim.GetUser); err != nil {
		t.Fatal(err)
	}
	box.StopDaemon()
	checkCode(t, "daemon ends during a call", <-answer, client.NoReply)

	box.Bus.Stop()
	_, err = c.State(ctx)
	checkCode(t, "no bus", err, client.Disconnected)
}

func TestDialFails(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	for _, bus := range []string{"session", "unix:path=/nowhere/bus", "nonsense", ""} {
		_, err := client.Dial(bounded(t), bus)
		checkCode(t, bus, err, client.Disconnected)
	}
	if _, err := client.Dial(bounded(t), "session"); !strings.Contains(err.Error(), "DBUS_SESSION_BUS_ADDRESS") {
		t.Errorf("without an address: %v", err)
	}
	bus := bustest.Session(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Dial(ended, bus.Address); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus.Address)
	dial(t, "session")
}

// TestDialABusThatIsSilent has a socket that nobody answers on.
func TestDialABusThatIsSilent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Dial(ctx, "unix:path="+socket); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dialling: %v", err)
	}
}

// closedPolicy lets the daemon own its name and everybody read the properties, and
// nothing else.
const closedPolicy = `<busconfig><policy context="default">
  <allow own="tv.retune.PlexAuth1"/>
  <allow send_destination="tv.retune.PlexAuth1" send_interface="org.freedesktop.DBus.Properties"/>
</policy></busconfig>`

func TestRefusedByTheBus(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "closed.conf")
	if err := os.WriteFile(policy, []byte(closedPolicy), 0o644); err != nil {
		t.Fatal(err)
	}
	box := clienttest.New(t, bustest.System(t, policy))
	box.StartDaemon()
	c := dial(t, box.Bus.Address)
	s, err := c.State(bounded(t))
	check(t, "state", s.State, err, client.SignedOut)
	_, err = c.Token(bounded(t))
	checkCode(t, "token", err, client.AccessDenied)
}

// TestInteractive looks at the calls as they arrive.
func TestInteractive(t *testing.T) {
	bus := bustest.Session(t)
	flags := make(chan dbus.Flags, 8)
	bus.Own(t, names.Bus, dbus.WithIncomingInterceptor(func(m *dbus.Message) {
		if m.Type == dbus.TypeMethodCall {
			flags <- m.Flags
		}
	}))
	c := dial(t, bus.Address)
	const interactive = dbus.FlagAllowInteractiveAuthorization
	for _, test := range []struct {
		client *client.Client
		want   dbus.Flags
	}{{c, 0}, {c.Interactive(), interactive}, {c, 0}} {
		_, err := test.client.Token(bounded(t))
		checkCode(t, "calling what nobody has exported", err, client.Failed)
		if got := <-flags & interactive; got != test.want {
			t.Errorf("the flag is %v, not %v", got, test.want)
		}
	}
}
