// SPDX-License-Identifier: Apache-2.0

package dbusapi_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

// limit is how long the daemon may take to answer: five seconds less than the
// timeout of D-Bus libraries.
const limit = 20 * time.Second

// silentBox is a box whose plex.tv answers nothing any more once it is silenced.
type silentBox struct {
	*client
	clock *clockwork.FakeClock // the service's
}

func newSilentBox(t *testing.T, mode auth.Mode) silentBox {
	t.Helper()
	clock := clockwork.NewFakeClockAt(time.Now())
	return silentBox{newBox(t, setup{clock: clock, mode: mode}).client(), clock}
}

// callUnanswered silences plex.tv, calls, and lets time pass only if the daemon waits for plex.tv.
// It returns the answer, and whether the daemon waited.
func (b silentBox) callUnanswered(method string, args ...any) (answer reply, waited bool) {
	b.t.Helper()
	b.credentials("GetCurrentUser").gives("a{sv}") // the daemon knows the caller after that
	b.delayPlex(plextvsim.Any)
	b.clock.Advance(limit) // nothing is left of earlier calls
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	waits := make(chan struct{})
	go func() {
		if b.clock.BlockUntilContext(ctx, 1) == nil {
			close(waits)
		}
	}()
	done := make(chan *dbus.Call, 1)
	b.start(done, method, args...)
	select {
	case call := <-done:
		return reply{call, b.t}, false
	case <-waits:
		b.clock.Advance(limit)
		return reply{await(b.box, done, "an answer to "+method), b.t}, true
	}
}

// asksFirst are the methods that answer only when plex.tv has, or too late.
const asksFirst = `RequestPin RequestPinWithOptions CheckPinStatus Validate ValidateToken StoreCredentials ListServers
	GetServerHeaders RenewServerHeaders ListUsers SwitchUser`

// TestPlexThatNeverAnswers calls every method.
func TestPlexThatNeverAnswers(t *testing.T) {
	for iface, all := range newBox(t, setup{}).service.Exported() {
		if !strings.HasPrefix(iface, names.Main) {
			continue
		}
		for member, takes := range all {
			t.Run(member, func(t *testing.T) {
				t.Parallel()
				b := newSilentBox(t, auth.ModeLegacy)
				method, args := iface+"."+member, []any{}
				switch of := b.callsOfPlex(); {
				case member == "RequestPin":
				case member == "CheckPinStatus" || member == "CancelPin":
					args = []any{b.requestPin().ID}
				case of[method] != nil:
					args = of[method]
					b.signIn(b.token)
				default:
					for _, argument := range takes {
						args = append(args, right(argument.Type))
					}
					b.signIn(b.token)
				}
				answer, waited := b.callUnanswered(method, args...)
				if asks := slices.Contains(strings.Fields(asksFirst), member); asks {
					answer.isError(names.ErrorPrefix+"Unreachable", "plex.tv did not answer within 20s")
				} else if waited && member != "SignOut" {
					t.Errorf("%s has waited for plex.tv: %v %v", member, answer.Body, answer.Err)
				}
			})
		}
	}
}

// TestTokenIsGivenWhilePlexNeverAnswers is about a token that has to be renewed.
func TestTokenIsGivenWhilePlexNeverAnswers(t *testing.T) {
	for _, member := range []string{"GetToken", "GetAuthHeaders", "GetStoredCredentials"} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			b := newSilentBox(t, auth.ModeJWT)
			b.pair()
			b.plexTime.Advance(plextvsim.JWTLifetime - 2*time.Minute)
			if answer, _ := b.callUnanswered(names.Credentials + "." + member); answer.Err != nil {
				t.Error(answer.Err)
			}
		})
	}
}
