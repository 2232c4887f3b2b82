// SPDX-License-Identifier: Apache-2.0

//go:build rig

package powercut

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// service is where plexauthd runs: a bus, a frontend on it and a plex.tv.
type service struct {
	*rig
	box    *daemontest.Box
	ctx    context.Context
	client *daemontest.Watcher
	change func(s *service, n int) error // number n
	guest  string                        // the UUID of the newest user's guest
}

// changes are what a frontend asks for, by the kind of token: each is a save or more.
var changes = map[string]func(s *service, n int) error{
	"legacy": (*service).changeLegacy,
	"jwt":    (*service).changeJWT,
}

func newService(r *rig, t *testing.T, mode string) *service {
	dir := t.TempDir()
	if err := daemontest.Build(dir, nil, "plexauthd"); err != nil {
		t.Fatal(err)
	}
	box := daemontest.New(t, filepath.Join(dir, "plexauthd"), bustest.Session(t))
	box.Configure("[auth]\nmode = \"" + mode + "\"\n[pairing]\npoll_interval = \"100ms\"\n")
	box.State, box.Printed.Most = statePath(r.dir), 64<<10
	return &service{rig: r, box: box, ctx: t.Context(), client: box.Watch(t.Context()), change: changes[mode]}
}

// with runs plexauthd with its state on the mounted disk, does what is to be
// done and kills it.
func (s *service) with(plexURL string, do func(client.Status) error) error {
	process := s.box.Launch("--plex-url", plexURL)
	started, err := s.client.Next(client.Snapshot)
	if err == nil {
		err = do(started.Status)
	}
	process.End()
	if err != nil {
		return fmt.Errorf("%w; plexauthd printed:\n%s", err, &s.box.Printed)
	}
	_, err = s.client.Next(client.Gone)
	return err
}

// changeLegacy stores a token, chooses a server, switches to another user of the
// home, forgets the account, pairs.
func (s *service) changeLegacy(n int) error {
	switch n % 5 {
	case 1:
		return s.client.StoreCredentials(s.ctx, client.Credentials{Token: secret.New(s.newUser())})
	case 2:
		return s.selectServer(n)
	case 3:
		return s.client.SwitchUser(s.ctx, s.guest, secret.String{})
	case 4:
		return s.client.ClearCredentials(s.ctx)
	}
	return s.pair()
}

// changeJWT pairs, chooses a server, has the JWT renewed, switches to another user
// of the home, signs out.
func (s *service) changeJWT(n int) error {
	switch n % 5 {
	case 1:
		return s.pair()
	case 2:
		return s.selectServer(n)
	case 3:
		return s.renew()
	case 4:
		return s.client.SwitchUser(s.ctx, s.guest, secret.String{})
	}
	_, err := s.client.SignOut(s.ctx)
	return err
}

func (s *service) selectServer(n int) error {
	return s.client.SelectServer(s.ctx, client.Server{MachineID: fmt.Sprint("machine-", n), URI: "https://10-0-0-2.plex.direct:32400"})
}

func (s *service) pair() error {
	pin, err := s.client.RequestPin(s.ctx, client.PinOptions{})
	if err == nil {
		err = s.box.Sim.Claim(pin.Code, s.newUser())
	}
	if err == nil {
		_, err = s.client.Next(client.PinEnded)
	}
	return err
}

// renew has plex.tv say that the JWT is too old: the daemon gets another with its key.
func (s *service) renew() error {
	old, err := s.client.Token(s.ctx)
	if err == nil {
		err = s.box.Sim.Refuse(old.Reveal(), 498)
	}
	if err != nil {
		return err
	}
	valid, err := s.client.Validate(s.ctx)
	now, tokenErr := s.client.Token(s.ctx)
	if err == nil && (!valid || now.Reveal() == old.Reveal()) {
		err = errors.New("the JWT was not renewed")
	}
	return errors.Join(err, tokenErr)
}

// newUser gives a token of somebody whose home has a guest.
func (s *service) newUser() (token string) {
	token = s.box.Sim.AddUser(plextvsim.User{})
	guest, err := s.box.Sim.AddHomeUser(token, plextvsim.User{})
	if err != nil {
		s.Fatal(err)
	}
	s.guest = guest
	return token
}

// account is what a frontend sees of who is signed in.
type account struct {
	token  string
	server client.Server
}

func (s *service) account() (account, error) {
	held, err := s.client.StoredCredentials(s.ctx)
	return account{held.Token.Reveal(), held.SelectedServer}, err
}

// record has the daemon go through its steps, and returns also what a frontend saw
// after each.
func (s *service) record(steps int) (recording, []account) {
	s.Helper()
	seen := []account{{}}
	rec := s.recorded(func(d *disk) error {
		return s.with(s.box.Plex.URL, func(client.Status) error {
			for n := 1; n <= steps; n++ {
				if err := s.change(s, n); err != nil {
					return fmt.Errorf("step %d: %w", n, err)
				}
				d.note(event{kind: saved, state: n})
				now, err := s.account()
				if err != nil {
					return err
				}
				seen = append(seen, now)
			}
			return nil
		})
	})
	return rec, append(seen, seen[len(seen)-1])
}

// survives boots a box after a cut and starts the daemon in it, which must say
// that one of the accounts that may be there is signed in, and sign out.
func (s *service) survives(c cut, seen []account) error {
	s.cuts++
	return s.use(newDisk(fmt.Sprint("cut-", s.cuts), c.image), func(*child) error {
		err := s.with(s.box.Plex.URL, func(status client.Status) error {
			now, err := s.account()
			if err != nil {
				return err
			}
			if now != seen[c.least] && now != seen[c.most] {
				return fmt.Errorf("the account is none that was there at steps %d and %d", c.least, c.most)
			}
			if status.Authenticated != (now.token != "") {
				return errors.New("plexauthd has a token and says that nobody is signed in, or the other way round")
			}
			if now != seen[c.least] {
				s.inFlight++
			}
			return s.client.ClearCredentials(s.ctx)
		})
		return errors.Join(err, onlyTheState(statePath(s.dir)))
	})
}

func TestTheDaemonStartsAfterPowerCuts(t *testing.T) {
	for mode := range changes {
		t.Run(mode, func(t *testing.T) {
			s := newService(newRig(t, "ext4"), t, mode)
			cuts := percent(5)
			rec, seen := s.record(min(max(cuts, 10), 30))
			// After a cut the daemon is to know by itself who is signed in.
			s.box.Sim.Fail(plextvsim.Fault{Reset: true})
			for c := range rec.cuts(s.random, cuts) {
				if err := s.survives(c, seen); err != nil {
					t.Fatal(s.keep(c, err))
				}
			}
			s.report()
		})
	}
}
