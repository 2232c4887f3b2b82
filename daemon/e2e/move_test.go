// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

// A box that moves to a device key is killed at each step, before plex.tv has seen
// the request and after it has carried it out. It is signed in all along, and the
// next start ends the move.
func TestKilledDuringTheMoveToADeviceKey(t *testing.T) {
	for _, step := range []plextvsim.Endpoint{
		plextvsim.RegisterKey, plextvsim.GetKeys, plextvsim.GetNonce, plextvsim.RefreshJWT,
	} {
		for name, fault := range map[string]plextvsim.Fault{
			"before": {Endpoint: step, Delay: time.Hour},
			"after":  {Endpoint: step, Lost: true},
		} {
			t.Run(fmt.Sprintf("%s %s", name, step), func(t *testing.T) {
				t.Parallel()
				b := newBox(t)
				f := b.Frontend()
				p := b.Start()
				opaque := b.SignIn(f)
				p.End()
				b.Sim.Fail(fault)
				jwt := b.Write("jwt.toml", "[auth]\nmode = \"jwt\"\n")
				p = b.Start("--config", jwt)
				b.seen(step)
				p.End()
				b.Sim.Clear()
				b.Start("--config", jwt)
				f.AwaitProperty("AuthMode", "jwt")
				isSignedInQuietly(f)
				if f.Token() == opaque {
					t.Error("the token is the old one")
				}
				f.MustBeValid()
			})
		}
	}
}

// seen waits until plex.tv has a request for the endpoint.
func (b *box) seen(endpoint plextvsim.Endpoint) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), daemontest.Patience)
	defer cancel()
	if err := b.Sim.Await(ctx, 1, endpoint); err != nil {
		b.Fatalf("%v; output:\n%s", err, b.Printed.String())
	}
}

// isSignedInQuietly checks that no signal said that a sign-in began or ended.
func isSignedInQuietly(f *daemontest.Frontend) {
	f.Helper()
	if got := f.Property("Authenticated"); got != true {
		f.Errorf("Authenticated: %v", got)
	}
	for {
		select {
		case s := <-f.Signals:
			if strings.HasSuffix(s.Name, ".AuthChanged") {
				f.Errorf("told: %v", s.Body)
			}
		default:
			return
		}
	}
}
