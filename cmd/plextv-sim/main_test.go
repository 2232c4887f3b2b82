// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asProgram makes the test binary be the program.
const asProgram = "PLEXTV_SIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is a running plextv-sim.
type program struct {
	*testing.T
	cmd     *exec.Cmd
	lines   *bufio.Reader
	printed string
	stderr  bytes.Buffer
	url     string
}

func command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func start(t *testing.T, args ...string) *program {
	p := &program{T: t, cmd: command(t, append([]string{"--listen", "127.0.0.1:0"}, args...)...)}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.url = p.line("listening on ")
	return p
}

// trusting is a client that trusts the authorities in a file.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// line reads the next line, which must begin with prefix, and returns its rest.
func (p *program) line(prefix string) string {
	p.Helper()
	line, err := p.lines.ReadString('\n')
	p.printed += line
	if !strings.HasPrefix(line, prefix) {
		p.Fatalf("printed %q (%v), want %q…; stderr: %s", line, err, prefix, p.stderr.String())
	}
	return strings.TrimSuffix(strings.TrimPrefix(line, prefix), "\n")
}

// end sends the signal and checks that the program stops content.
func (p *program) end(signal os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.Fatal(err)
	}
	rest, _ := io.ReadAll(p.lines)
	p.printed += string(rest)
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("%v: %v", signal, err)
	}
	if p.stderr.Len() > 0 {
		p.Errorf("stderr: %s", p.stderr.String())
	}
}

// send asks the program and decodes JSON into answer, if that is not nil.
func (p *program) send(client *http.Client, method, path string, answer any) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.url+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Plex-Client-Identifier", "test")
	response, err := client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		p.Fatalf("%s %s: %s", method, path, response.Status)
	}
	if answer != nil {
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
			p.Fatal(err)
		}
	}
}

type pin struct {
	ID              int
	Code, AuthToken string
}

func (p *program) check(client *http.Client, id int) (checked pin) {
	p.Helper()
	p.send(client, "GET", "/api/v2/pins/"+strconv.Itoa(id), &checked)
	return checked
}

func TestClaimByHand(t *testing.T) {
	p := start(t)
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") {
		t.Errorf("listens on %s", p.url)
	}
	var requested pin
	p.send(http.DefaultClient, "POST", "/api/v2/pins", &requested)
	p.line("PIN " + requested.Code + " requested")
	if p.check(http.DefaultClient, requested.ID).AuthToken != "" {
		t.Error("claimed by itself")
	}
	p.send(http.DefaultClient, "POST", "/sim/claim?code="+requested.Code, nil)
	p.line("PIN " + requested.Code + " claimed by sim-user")
	token := p.check(http.DefaultClient, requested.ID).AuthToken
	var resources []struct{ Name string }
	p.send(http.DefaultClient, "GET", "/api/v2/resources?X-Plex-Token="+token, &resources)
	if len(resources) != 3 {
		t.Errorf("resources: %v", resources)
	}
	p.end(os.Interrupt)
	if token == "" || strings.Contains(p.printed, token) || strings.Contains(p.printed, strconv.Itoa(requested.ID)) {
		t.Errorf("the token %q or the id %d was printed:\n%s", token, requested.ID, p.printed)
	}
}

func TestClaimByItselfOverTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := start(t, "--tls", "--ca-file", file, "--claim-after", "1ms", "--user", "ann")
	client := trusting(t, file)
	var requested pin
	p.send(client, "POST", "/api/v2/pins?strong=true", &requested)
	p.line("PIN " + requested.Code + " requested")
	p.line("PIN " + requested.Code + " claimed by ann")
	if p.check(client, requested.ID).AuthToken == "" {
		t.Error("no token")
	}
	p.end(syscall.SIGTERM)
}

func TestWrongUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"--nonsense", 2, "nonsense"},
		{"extra", 2, `unexpected argument "extra"`},
		{"--listen nowhere", 2, `--listen "nowhere"`},
		{"--listen 127.0.0.1:99999", 2, `--listen "127.0.0.1:99999"`},
		{"--listen 0.0.0.0:0", 2, "plain HTTP is for loopback addresses only, use --tls"},
		{"--claim-after 5", 2, "claim-after"},
		{"--claim-after -5s", 2, "--claim-after -5s is negative"},
		{"--media-server nowhere", 2, `--media-server "nowhere"`},
		{"--media-server 0.0.0.0:0", 2, "plain HTTP is for loopback addresses only, use --tls"},
		{"--media-server " + taken.Addr().String(), 1, "address already in use"},
		{"--user=", 2, "--user is empty"},
		{"--ca-file x.pem", 2, "--ca-file needs --tls"},
		{"--listen " + taken.Addr().String(), 1, "address already in use"},
		{"--listen 127.0.0.1:0 --tls --ca-file /nonexistent/x.pem", 1, "/nonexistent/x.pem"},
	} {
		cmd := command(t, strings.Fields(c.args)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the status says it all
		if got := cmd.ProcessState.ExitCode(); got != c.status {
			t.Errorf("%s: status %d, want %d", c.args, got, c.status)
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "plextv-sim: ") || !strings.Contains(line, c.says) {
			t.Errorf("%s: said %q", c.args, line)
		}
		if strings.Contains(line, "see plextv-sim --help") != (c.status == 2) || stdout.Len() > 0 {
			t.Errorf("%s: said %q, printed %q", c.args, line, stdout.String())
		}
	}
}

func TestHelp(t *testing.T) {
	out, err := command(t, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{
		"--listen ADDRESS", "--media-server ADDRESS", "--tls", "--ca-file FILE", "--claim-after DURATION", "--user NAME",
		"/sim/claim", "/sim/expire", "/sim/revoke", "/sim/fail", "/sim/clear", "/sim/state",
		"/sim/remove-device", "/sim/home-user", "/sim/remove-home-user", "/sim/jwt-lifetime", "/sim/next-jwt", "/sim/rotate-keys", "/sim/rotate-server-tokens",
	} {
		if !strings.Contains(string(out), word) {
			t.Errorf("no %s in\n%s", word, out)
		}
	}
}
