//go:build torture

package powercut

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// patience bounds every wait; nothing here is measured against it.
const patience = 20 * time.Second

// nowhere answers nobody: after a cut the daemon is to know by itself who is signed in.
const nowhere = "https://127.0.0.1:1"

// service is where plexauthd runs: a bus, a frontend on it and a plex.tv.
type service struct {
	*rig
	ctx     context.Context
	program string
	sim     *plextvsim.Sim
	plex    *plextvsim.Server
	caFile  string
	bus     *bustest.Bus
	client  *client.Client
	events  <-chan client.Event
	guest   string // the UUID of the newest user's guest
}

func newService(r *rig, t *testing.T) *service {
	dir := t.TempDir()
	program := filepath.Join(dir, "plexauthd")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/plexauthd").CombinedOutput(); err != nil {
		t.Fatalf("building plexauthd: %v\n%s", err, out)
	}
	sim := plextvsim.New(plextvsim.Options{})
	s := &service{rig: r, ctx: t.Context(), program: program, sim: sim, plex: sim.StartTLS(),
		caFile: filepath.Join(dir, "ca.pem"), bus: bustest.Session(t)}
	t.Cleanup(func() { s.plex.Close() })
	err := os.WriteFile(s.caFile, s.plex.CAPEM(), 0o644)
	if err == nil {
		s.client, err = client.Dial(s.ctx, s.bus.Address)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	watch, err := s.client.Watch(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.events = watch.Events
	return s
}

// await reads events until there is one of that kind.
func (s *service) await(kind client.Kind) (client.Event, error) {
	deadline := time.After(patience)
	for {
		select {
		case event := <-s.events:
			if event.Kind == kind {
				return event, nil
			}
		case <-deadline:
			return client.Event{}, fmt.Errorf("no %s", kind)
		}
	}
}

// with runs plexauthd with its state on the mounted disk, does what is to be
// done and kills it.
func (s *service) with(plexURL string, do func(client.Status) error) error {
	cmd := exec.Command(s.program, "--bus", s.bus.Address, "--state", statePath(s.dir), "--plex-url", plexURL)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.caFile, "NOTIFY_SOCKET=", "JOURNAL_STREAM=")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	started, err := s.await(client.Snapshot)
	if err == nil {
		err = do(started.Status)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	if err != nil {
		return fmt.Errorf("%w; plexauthd printed:\n%s", err, &output)
	}
	_, err = s.await(client.Gone)
	return err
}

// step is the daemon's change number n, as a frontend asks for it: store a
// token, choose a server, switch to another user of the home, sign out, pair.
func (s *service) step(n int) error {
	switch n % 5 {
	case 1:
		return s.client.StoreCredentials(s.ctx, client.Credentials{Token: secret.New(s.newUser())})
	case 2:
		return s.client.SelectServer(s.ctx, client.Server{MachineID: fmt.Sprint("machine-", n), URI: "https://10-0-0-2.plex.direct:32400"})
	case 3:
		return s.client.SwitchUser(s.ctx, s.guest, secret.String{})
	case 4:
		return s.client.ClearCredentials(s.ctx)
	}
	pin, err := s.client.RequestPin(s.ctx, client.PinOptions{})
	if err == nil {
		err = s.sim.Claim(pin.Code, s.newUser())
	}
	if err == nil {
		_, err = s.await(client.PinEnded)
	}
	return err
}

// newUser gives a token of somebody whose home has a guest.
func (s *service) newUser() (token string) {
	token = s.sim.AddUser(plextvsim.User{})
	guest, err := s.sim.AddHomeUser(token, plextvsim.User{})
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

// record has the daemon go through its steps on an empty disk, and returns also
// what a frontend saw after each.
func (s *service) record(steps int) (recording, []account) {
	s.Helper()
	d := newDisk("recorded", s.empty)
	rec, seen := recording{most: 1}, []account{{}}
	err := s.use(d, func(box *child) error {
		if _, err := box.ask("sync"); err != nil {
			return err
		}
		rec.base = d.restart()
		err := s.with(s.plex.URL, func(client.Status) error {
			for n := 1; n <= steps; n++ {
				if err := s.step(n); err != nil {
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
		rec.events = d.seen()
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return rec, append(seen, seen[len(seen)-1])
}

// survives boots a box after a cut and starts the daemon in it, which must say
// that one of the accounts that may be there is signed in, and sign out.
func (s *service) survives(c cut, seen []account) error {
	s.cuts++
	return s.use(newDisk(fmt.Sprint("cut-", s.cuts), c.image), func(*child) error {
		err := s.with(nowhere, func(status client.Status) error {
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
	s := newService(newRig(t, "ext4"), t)
	cuts := percent(10)
	rec, seen := s.record(min(max(cuts, 10), 30))
	for c := range rec.cuts(s.random, cuts) {
		if err := s.survives(c, seen); err != nil {
			t.Fatal(s.keep(c, err))
		}
	}
	s.report()
}
