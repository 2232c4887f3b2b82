// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// validations are what Validate makes of faults of plex.tv.
var validations = map[string]struct {
	fault   plextvsim.Fault
	good    bool
	code    auth.Code // "" is no error
	retries int
	refused bool // which puts the token in doubt
}{
	"200":                 {fault: plextvsim.Fault{Endpoint: plextvsim.Ping, Status: 401}, good: true},
	"401":                 {fault: plextvsim.Fault{Status: 401}, refused: true},
	"422":                 {fault: plextvsim.Fault{Status: 422}, refused: true},
	"403":                 {fault: plextvsim.Fault{Status: 403}},
	"422 of another kind": {fault: plextvsim.Fault{Status: 422, Body: `{"errors":[{"code":1,"message":"No"}]}`}, code: auth.InvalidResponse},
	"401 of a proxy":      {fault: plextvsim.Fault{Status: 401, Body: "<html>sign in</html>", ContentType: "text/html"}, code: auth.InvalidResponse},
	"403 of a proxy":      {fault: plextvsim.Fault{Status: 403, Body: "<html>no</html>", ContentType: "text/html"}, code: auth.InvalidResponse},
	"404":                 {fault: plextvsim.Fault{Status: 404}, code: auth.InvalidResponse},
	"408":                 {fault: plextvsim.Fault{Status: 408}, code: auth.InvalidResponse},
	"498":                 {fault: plextvsim.Fault{Status: 498}, code: auth.AuthInvalid},
	"429":                 {fault: plextvsim.Fault{Status: 429}, code: auth.RateLimited},
	"429 for long":        {fault: plextvsim.Fault{Status: 429, RetryAfter: "60"}, code: auth.RateLimited},
	"500":                 {fault: plextvsim.Fault{Status: 500}, code: auth.ServerError, retries: 2},
	"503 for long":        {fault: plextvsim.Fault{Status: 503, RetryAfter: "60"}, code: auth.ServerError},
	"reset":               {fault: plextvsim.Fault{Reset: true}, code: auth.Unreachable, retries: 2},
	"captive portal":      {fault: plextvsim.CaptivePortal(), code: auth.InvalidResponse},
	"cut off":             {fault: plextvsim.Fault{CutOff: true}, code: auth.InvalidResponse},
	"no user":             {fault: plextvsim.Fault{Body: `{"pong":true}`}, code: auth.InvalidResponse},
}

func TestValidate(t *testing.T) {
	for name, test := range validations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			token := b.signIn(plextvsim.User{})
			b.sim.Fail(test.fault)
			for i, validate := range []func() (bool, error){
				func() (bool, error) { return b.account.Validate(b.soon()) },
				func() (bool, error) { return b.account.ValidateToken(b.soon(), secret.New(token)) },
			} {
				good, err := b.retrying(test.retries, validate)
				equal(t, "good", good, test.good)
				if i > 0 && test.fault.RetryAfter != "" {
					test.code = auth.RateLimited // not asked: plex.tv wants a pause
				}
				if test.code == "" && err != nil || test.code != "" && auth.CodeOf(err) != test.code {
					t.Errorf("got %q (%v), want %q", auth.CodeOf(err), err, test.code)
				}
			}
			now := b.account.Snapshot()
			want := auth.SignedIn
			if test.refused {
				want = auth.Unverified
			}
			equal(t, "state after one answer", now.State, want)
			equal(t, "authenticated", now.Authenticated, true)
		})
	}
}

func TestValidateWhenPlexTvHangs(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(s *setup) {
		s.sim.Clock = clockwork.NewRealClock() // its delay is none of our pauses
		s.plex.Timeout = 500 * time.Millisecond
	})
	b.signIn(plextvsim.User{})
	b.sim.Fail(plextvsim.Fault{Delay: time.Hour})
	_, err := b.account.Validate(briefly(t))
	wantCode(t, "Validate for a caller without patience", err, auth.Unreachable)
	_, err = b.retrying(2, func() (bool, error) { return b.account.Validate(b.soon()) })
	wantCode(t, "Validate", err, auth.Unreachable)
	equal(t, "state", b.account.Snapshot().State, auth.SignedIn)
}

// retrying runs do and lets the pauses between its tries pass.
func (b *box) retrying(pauses int, do func() (bool, error)) (good bool, err error) {
	b.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		good, err = do()
	}()
	for range pauses {
		b.tick(2 * time.Second)
	}
	<-done
	return good, err
}
