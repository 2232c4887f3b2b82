// SPDX-License-Identifier: Apache-2.0

// Package clients tries the simulator of plex.tv with clients that others wrote.
package clients

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/clambin/mediaclients/plex"
	goplex "github.com/jrudio/go-plex-client"
)

const password = "correct horse"

// sim is a running plextv-sim with a media server and somebody who may sign in.
type sim struct {
	*testing.T
	url, mediaServer string
}

// startSim runs the program that PLEXTV_SIM names. Both clients have the address
// of plex.tv in them, so what they send there is sent to the program.
func startSim(t *testing.T) sim {
	program := exec.CommandContext(t.Context(), os.Getenv("PLEXTV_SIM"), "--listen", "127.0.0.1:0", "--media-server", "127.0.0.1:0")
	program.Stderr = os.Stderr
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	s := sim{T: t}
	for lines := bufio.NewScanner(stdout); s.url == "" || s.mediaServer == ""; {
		if !lines.Scan() {
			t.Fatal("plextv-sim does not say where it listens")
		}
		if _, found := strings.CutPrefix(lines.Text(), "listening on "); found {
			s.url = strings.TrimPrefix(lines.Text(), "listening on ")
		}
		if _, found := strings.CutPrefix(lines.Text(), "media server on "); found {
			s.mediaServer = strings.TrimPrefix(lines.Text(), "media server on ")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	s.control("password?" + url.Values{"password": {password}}.Encode())
	s.control("home-user?user=kid&restricted=1")
	before := http.DefaultTransport
	http.DefaultTransport = detour{s, before}
	t.Cleanup(func() { http.DefaultTransport = before })
	return s
}

// control gives the simulator an order.
func (s sim) control(order string) {
	s.Helper()
	response, err := http.Post(s.url+"/sim/"+order, "", nil)
	if err != nil {
		s.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		s.Fatalf("%s: %s", order, response.Status)
	}
}

// detour sends to the simulator what is meant for plex.tv.
type detour struct {
	sim  sim
	next http.RoundTripper
}

func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "plex.tv" {
		target, err := url.Parse(d.sim.url)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = target.Scheme, target.Host, target.Host
	}
	return d.next.RoundTrip(r)
}

func TestGoPlexClientPairs(t *testing.T) {
	s := startSim(t)
	pin, err := goplex.RequestPIN(goplex.Plex{}.Headers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := goplex.CheckPIN(pin.ID, pin.ClientIdentifier); err == nil || err.Error() != goplex.ErrorPINNotAuthorized {
		t.Errorf("before the claim: %v", err)
	}
	s.control("claim?code=" + pin.Code)
	checked, err := goplex.CheckPIN(pin.ID, pin.ClientIdentifier)
	if err != nil || checked.AuthToken == "" {
		t.Errorf("after the claim: %v", err)
	}
}

func TestGoPlexClientSignsIn(t *testing.T) {
	s := startSim(t)
	signedIn, err := goplex.SignIn("sim-user", password)
	if err != nil {
		t.Fatal(err)
	}
	client, err := goplex.New(s.mediaServer, signedIn.Token)
	if err != nil {
		t.Fatal(err)
	}
	if good, err := client.Test(); err != nil || !good {
		t.Errorf("Test: %v, %v", good, err)
	}
	if account, err := client.MyAccount(); err != nil {
		t.Errorf("MyAccount: %+v, %v", account, err)
	}
	servers, err := client.GetServers()
	if err != nil || len(servers) != 2 {
		t.Fatalf("GetServers: %v, %v", servers, err)
	}
	machine, err := client.GetMachineID()
	if err != nil || machine != servers[0].ClientIdentifier {
		t.Errorf("GetMachineID: %q, %v", machine, err)
	}
	if sections, err := client.GetSections(machine); err != nil || len(sections) != 1 || sections[0].Title != "Movies" {
		t.Errorf("GetSections: %v, %v", sections, err)
	}
	if friends, err := client.GetFriends(); err != nil || len(friends) != 1 || friends[0].Title != "kid" {
		t.Errorf("GetFriends: %v, %v", friends, err)
	}
	if libraries, err := client.GetLibraries(); err != nil || len(libraries.MediaContainer.Directory) != 1 {
		t.Errorf("GetLibraries: %v, %v", libraries, err)
	}
	s.control("revoke")
	if _, err := client.MyAccount(); err == nil || err.Error() != goplex.ErrorInvalidToken {
		t.Errorf("MyAccount with a revoked token: %v", err)
	}
}

func TestMediaclientsSignsIn(t *testing.T) {
	s := startSim(t)
	client := plex.New("sim-user", password, "tester", "1", s.mediaServer, nil)
	if identity, err := client.GetIdentity(t.Context()); err != nil || identity.MachineIdentifier == "" {
		t.Errorf("GetIdentity: %+v, %v", identity, err)
	}
	if libraries, err := client.GetLibraries(t.Context()); err != nil || len(libraries) != 1 {
		t.Errorf("GetLibraries: %v, %v", libraries, err)
	}
	wrong := plex.New("sim-user", "wrong", "tester", "1", s.mediaServer, nil)
	if _, err := wrong.GetIdentity(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong password: %v", err)
	}
}

// TestClientsFromNpm runs clients.mjs, which needs npm ci first.
func TestClientsFromNpm(t *testing.T) {
	s := startSim(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.mediaServer, "http://"), ":")
	program := exec.CommandContext(t.Context(), "node", "--require", "./detour.cjs", "clients.mjs", port)
	program.Env = append(os.Environ(), "PLEX_URL="+s.url)
	if output, err := program.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
