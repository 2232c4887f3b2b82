// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// fault is a way in which one question to plex.tv goes wrong.
type fault struct {
	plextvsim.Fault
	way  func(*box) string // in place of Fault: an address that leads nowhere
	code auth.Code         // of a call that asks
	// hangs needs the time limit of a question to pass, which is real time.
	hangs bool
}

// lostWays keep questions from arriving, to whatever endpoint.
func lostWays() map[string]fault {
	return map[string]fault{
		"connection refused": {way: closedPort, code: auth.Unreachable},
		"no such name":       {way: func(*box) string { return "https://plex..tv" }, code: auth.Unreachable},
		"TLS":                {way: otherAuthority, code: auth.Unreachable},
	}
}

// faults are all other kinds.
func faults() map[string]fault {
	const nonsense = `{"id":[],"code":{},"expiresIn":"soon","authToken":7,"username":3,"keys":7,"nonce":[],"auth_token":7}`
	return map[string]fault{
		"reset":          {Fault: plextvsim.Fault{Reset: true}, code: auth.Unreachable},
		"answer is lost": {Fault: plextvsim.Fault{Lost: true}, code: auth.Unreachable},
		"timeout":        {Fault: plextvsim.Fault{Delay: 1000 * time.Hour}, code: auth.Unreachable, hangs: true},
		"slow body":      {Fault: plextvsim.Fault{Stall: true}, code: auth.Unreachable, hangs: true},

		"429":                  {Fault: plextvsim.Fault{Status: 429}, code: auth.RateLimited},
		"429 with Retry-After": {Fault: plextvsim.Fault{Status: 429, RetryAfter: "60"}, code: auth.RateLimited},
		"500":                  {Fault: plextvsim.Fault{Status: 500}, code: auth.ServerError},
		"502 with HTML":        {Fault: plextvsim.Fault{Status: 502}, code: auth.ServerError},
		"503 with Retry-After": {Fault: plextvsim.Fault{Status: 503, RetryAfter: "3"}, code: auth.ServerError},
		"400":                  {Fault: plextvsim.Fault{Status: 400}, code: auth.InvalidResponse},
		"401":                  {Fault: plextvsim.Fault{Status: 401}, code: auth.AuthInvalid},
		"403":                  {Fault: plextvsim.Fault{Status: 403}, code: auth.Forbidden},
		"404":                  {Fault: plextvsim.Fault{Status: 404}, code: auth.InvalidResponse},
		"404 of somebody else": {Fault: plextvsim.Fault{Status: 404, Body: "<html>no such page</html>", ContentType: "text/html"}, code: auth.InvalidResponse},
		"410":                  {Fault: plextvsim.Fault{Status: 410, Code: 1020}, code: auth.InvalidResponse},
		"422":                  {Fault: plextvsim.Fault{Status: 422}, code: auth.InvalidResponse},
		"498":                  {Fault: plextvsim.Fault{Status: 498}, code: auth.AuthInvalid},

		"captive portal":     {Fault: plextvsim.CaptivePortal(), code: auth.InvalidResponse},
		"redirect to portal": {Fault: plextvsim.Fault{Location: "https://portal.example/"}, code: auth.InvalidResponse},
		"truncated JSON":     {Fault: plextvsim.Fault{Body: `{"id":1,"co`}, code: auth.InvalidResponse},
		"empty":              {Fault: plextvsim.Fault{Status: http.StatusOK}, code: auth.InvalidResponse},
		"wrong types":        {Fault: plextvsim.Fault{Body: nonsense}, code: auth.InvalidResponse},
		"line feed in token": {Fault: plextvsim.Fault{Body: `{"id":"a\nb","code":"ABCD","expiresIn":9,"authToken":"a\nb","auth_token":"a\nb"}`}, code: auth.InvalidResponse},
		"wrong content type": {Fault: plextvsim.Fault{ContentType: "text/plain"}, code: auth.InvalidResponse},
		"over 1 MiB":         {Fault: plextvsim.Fault{PadTo: 1<<20 + 1}, code: auth.InvalidResponse},
		"cut off":            {Fault: plextvsim.Fault{CutOff: true}, code: auth.InvalidResponse},
	}
}

func everyFault() map[string]fault {
	all := faults()
	maps.Copy(all, lostWays())
	return all
}

// closedPort is where nobody listens any more.
func closedPort(b *box) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	b.must(listener.Close())
	return "https://" + listener.Addr().String()
}

// otherAuthority is a server whose certificate nobody vouches for.
func otherAuthority(b *box) string {
	server := b.sim.StartTLS()
	b.Cleanup(server.Close)
	return server.URL
}

// sufferer is a box that meets a fault.
type sufferer struct {
	*box
	fault
	errors []string
}

// meet has the questions to the endpoint go wrong until recover.
func (s *sufferer) meet(endpoint plextvsim.Endpoint) {
	s.Helper()
	if s.way != nil {
		s.must(s.options.Plex.Redirect(s.way(s.box), 0))
		return
	}
	if s.hangs { // until recover; what plex.tv answers at once may take longer on a busy machine
		s.must(s.options.Plex.Redirect(s.server.URL, 500*time.Millisecond))
	}
	met := s.Fault
	met.Endpoint = endpoint
	s.sim.Fail(met)
}

func (s *sufferer) recover() {
	s.Helper()
	s.sim.Clear()
	s.must(s.options.Plex.Redirect(s.server.URL, 0))
}

// call makes a call and lets time pass until it is answered.
func (s *sufferer) call(do func(context.Context) error) error {
	s.Helper()
	done := make(chan error, 1)
	ctx := s.soon()
	go func() { done <- do(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				s.errors = append(s.errors, err.Error())
			}
			return err
		case <-time.After(5 * time.Millisecond):
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		if s.clock.BlockUntilContext(short, 1) == nil {
			s.clock.Advance(interval / 4)
		}
		cancel()
	}
}

func (s *sufferer) check(p auth.Pairing) (claimed bool, err error) {
	s.Helper()
	err = s.call(func(ctx context.Context) (err error) {
		claimed, _, err = s.account.CheckPin(ctx, p.ID)
		return err
	})
	return claimed, err
}

// awhile lets time pass; plex.tv that does not answer makes each second a long one.
func (s *sufferer) awhile() {
	s.Helper()
	end := 20 * time.Second
	if s.hangs {
		end = 3 * time.Second
	}
	for start := s.clock.Now(); s.clock.Since(start) < end; {
		s.tick(interval)
	}
}

// signsIn is the end that a person wants.
func (s *sufferer) signsIn(p auth.Pairing) {
	s.Helper()
	equal(s, "pairing", s.account.Snapshot().Pairing, p)
	_ = s.sim.Claim(p.Code, "") // unless somebody has
	step := limitedPause / 2
	if s.hangs {
		step = interval // a question may hang yet, and the PIN must not run out meanwhile
	}
	s.passUntil(authChanged, step)
	equal(s, "state", s.account.Snapshot().State, auth.SignedIn)
	equal(s, "the token is on disk", s.disk().Auth.Token.Reveal() == s.token(), true)
	equal(s, "works", s.works(), true)
}

// endsWell checks what holds whatever happened: plex.tv is left in peace and
// nothing is told that must not be.
func (s *sufferer) endsWell() {
	s.Helper()
	const most = 8 // questions within a second: four polls, and tries of one call
	requests := s.sim.Requests()
	for i := most; i < len(requests); i++ {
		if within := requests[i].At.Sub(requests[i-most].At); within < time.Second {
			s.Errorf("%d questions within %v", most+1, within)
		}
	}
	text := s.log.String() + strings.Join(s.errors, "\n")
	for _, hidden := range s.secrets() {
		if strings.Contains(text, hidden) {
			s.Errorf("told is a secret:\n%s", text)
		}
	}
}

// secrets are what was sent to plex.tv and must be known to nobody else.
func (s *sufferer) secrets() (secrets []string) {
	secrets = append(s.sim.Secrets(), s.token())
	if key := s.disk().DeviceKey; key != nil {
		secrets = append(secrets, key.PrivateKey.Reveal())
	}
	return secrets
}

// suffering runs a step with each of the faults in each of the modes.
func suffering(t *testing.T, faults map[string]fault, step func(*sufferer), modes ...auth.Mode) {
	for name, f := range faults {
		for _, mode := range modes {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				t.Parallel()
				s := &sufferer{fault: f, box: newBox(t, func(s *setup) {
					s.auth.Settings.PairingTimeout, s.auth.Settings.Mode = time.Hour, mode
				})}
				step(s)
				s.endsWell()
			})
		}
	}
}
