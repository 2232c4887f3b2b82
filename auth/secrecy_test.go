// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// printed collects what a run says: its log, its errors and its events.
type printed struct {
	*box
	text strings.Builder
}

func (p *printed) err(values ...any) {
	for _, value := range values {
		if err, ok := value.(error); ok {
			fmt.Fprintf(&p.text, "%v\n%+v\n%#v\n%q\n", err, err, err, err)
			p.options.Log.Error("a caller logs it", "error", err)
		}
	}
}

// events prints what has happened, and of the account what an event is sent for.
func (p *printed) events() {
	for _, e := range p.unread() {
		s := e.Snapshot
		fmt.Fprintf(&p.text, "%+v %#v %+v %+v\n", e, e, e.Auth, e.PinEnd)
		fmt.Fprintf(&p.text, "%s %v %+v %+v %s\n", s.State, s.Authenticated, s.Pairing, s.Server, s.StorageProblem)
		if s.Credentials != nil {
			fmt.Fprintf(&p.text, "%+v %#v\n", s.Credentials.Token, s.Credentials.Token)
		}
	}
}

// misfortunes are answers of plex.tv, some of which quote the token it was sent.
func misfortunes(token string) []plextvsim.Fault {
	faults := []plextvsim.Fault{
		{Reset: true}, {CutOff: true}, {PadTo: 2 << 20}, {Location: "https://portal.example/?" + token},
		{Body: token}, plextvsim.CaptivePortal(),
	}
	for _, status := range []int{400, 401, 403, 404, 422, 429, 498, 500, 503} {
		faults = append(faults,
			plextvsim.Fault{Status: status},
			plextvsim.Fault{Status: status, Body: `{"errors":[{"code":1,"message":"no: ` + token + `"}]}`},
			plextvsim.Fault{Status: status, Body: token})
	}
	return faults
}

// suffer makes the call once with each misfortune.
func (p *printed) suffer(endpoint plextvsim.Endpoint, token string, call func() error) {
	p.Helper()
	for _, fault := range misfortunes(token) {
		fault.Endpoint = endpoint
		p.sim.Fail(fault)
		done := make(chan error, 1)
		go func() { done <- call() }()
		for waiting := true; waiting; {
			idle, cancel := context.WithTimeout(p.Context(), time.Millisecond)
			select {
			case err := <-done:
				p.err(err)
				waiting = false
			case <-idle.Done(): // a pause between two tries
				p.clock.Advance(interval)
			}
			cancel()
		}
		p.sim.Clear()
		p.clock.Advance(limitedPause)
		p.events()
	}
}

func TestARunPrintsNoSecret(t *testing.T) {
	p := &printed{box: newBox(t, func(s *setup) { s.sim.Clock = nil })}
	alice := p.sim.AddUser(plextvsim.User{Username: "alice", Email: "alice@example.com", Token: "alices-token"})
	bob := auth.Credentials{Token: secret.New(p.sim.AddUser(plextvsim.User{Username: "bob", Token: "bobs-token"}))}

	p.pair(auth.PinOptions{Strong: true})
	p.suffer(plextvsim.CheckPin, "", func() error {
		pairing, err := p.account.RequestPin(p.soon(), auth.PinOptions{}) // a new one if it has ended
		if err == nil {
			_, _, err = p.account.CheckPin(p.soon(), pairing.ID)
		}
		return err
	})
	pairing := p.pair(auth.PinOptions{Force: true})
	p.must(p.sim.Claim(pairing.Code, alice))
	mend := p.breakDisk()
	_, _, err := p.account.CheckPin(p.soon(), pairing.ID)
	p.err(err)
	mend()
	p.tick(limitedPause)
	p.await(authChanged)
	p.must(p.account.Store(p.soon(), auth.Credentials{Token: secret.New(alice)})) // the claim made a token of its own

	p.suffer(plextvsim.GetUser, alice, func() error { _, err := p.account.Validate(p.soon()); return err })
	_, err = p.account.Validate(p.soon()) // and it is good again
	p.must(err)
	p.suffer(plextvsim.GetUser, "bobs-token", func() error { _, err := p.account.ValidateToken(p.soon(), bob.Token); return err })
	p.suffer(plextvsim.GetUser, "bobs-token", func() error { return p.account.Store(p.soon(), bob) })
	p.suffer(plextvsim.RequestPin, "", func() error { _, err := p.account.RequestPin(p.soon(), auth.PinOptions{Force: true}); return err })

	p.err(p.account.Store(p.soon(), auth.Credentials{Token: secret.New("bobs-token\x00")}))
	mend = p.breakDisk()
	p.err(p.account.Store(p.soon(), bob), p.account.Clear(p.soon()))
	mend()
	p.must(p.account.Store(p.soon(), bob))
	p.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.SignOut, Status: 400, Body: `{"errors":[{"code":1,"message":"bobs-token"}]}`})
	_, err = p.account.SignOut(p.soon())
	p.err(err)
	p.events()
	p.close()
	p.must(os.WriteFile(p.path, []byte("token = \"alices-token\n"), 0o600))
	p.open()
	p.events()
	p.close()
	p.search()
}

// search looks for the secrets of the run in what was printed.
func (p *printed) search() {
	text := p.text.String() + p.log.String()
	secrets := map[string]bool{"alices-token": true, "bobs-token": true}
	for _, secret := range p.sim.Secrets() {
		secrets[secret] = true
	}
	if len(secrets) < 6 {
		p.Errorf("only %d secrets in the run", len(secrets))
	}
	for _, home := range []string{"Porto", "41.1496", "alice@example.com", "sim-service"} {
		secrets[home] = true
	}
	for hidden := range secrets {
		if at := strings.Index(text, hidden); at >= 0 {
			p.Errorf("%q was printed: …%s", hidden, text[max(0, at-300):at+len(hidden)])
		}
	}
	for _, wanted := range []string{
		"path=/api/v2/pins/{id} http_status=404", "refused: status 401", "pairing ended", "signed in",
		"the state could not be saved", "result=claimed", "token could not be revoked", "is corrupt",
	} {
		if !strings.Contains(text, wanted) {
			p.Errorf("nothing printed has %q", wanted)
		}
	}
}
