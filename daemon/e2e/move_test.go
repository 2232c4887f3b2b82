// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
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
				f := b.frontend()
				p := b.start()
				opaque := b.signIn(f)
				p.kill()
				b.sim.Fail(fault)
				jwt := b.jwtConfig()
				p = b.start("--config", jwt)
				b.seen(step)
				p.kill()
				b.sim.Clear()
				b.start("--config", jwt)
				for f.property("AuthMode") != "jwt" {
					f.await("PropertiesChanged")
				}
				f.isSignedInQuietly()
				var token string
				if err := f.call("Credentials.GetToken").Store(&token); err != nil || token == opaque {
					t.Errorf("the token is the old one, or %v", err)
				}
				var good bool
				if err := f.call("Validate").Store(&good); err != nil || !good {
					t.Errorf("Validate: %t, %v", good, err)
				}
			})
		}
	}
}

func (b *box) jwtConfig() (path string) {
	b.t.Helper()
	path = filepath.Join(b.dir, "jwt.toml")
	if err := os.WriteFile(path, []byte("[auth]\nmode = \"jwt\"\n"), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// seen waits until plex.tv has a request for the endpoint.
func (b *box) seen(endpoint plextvsim.Endpoint) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	if err := b.sim.Await(ctx, 1, endpoint); err != nil {
		b.t.Fatalf("%v; output:\n%s", err, b.output.String())
	}
}

// isSignedInQuietly checks that no signal said that a sign-in began or ended.
func (f *frontend) isSignedInQuietly() {
	f.t.Helper()
	if got := f.property("Authenticated"); got != true {
		f.t.Errorf("Authenticated: %v", got)
	}
	for {
		select {
		case s := <-f.signals:
			if strings.HasSuffix(s.Name, ".AuthChanged") {
				f.t.Errorf("told: %v", s.Body)
			}
		default:
			return
		}
	}
}
