// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
)

// doctor runs plexauthctl doctor as a process of its own: what it trusts and where
// its proxy is are read once.
func (p *person) doctor(environment []string, args ...string) (status int, stdout, stderr string) {
	p.t.Helper()
	config := filepath.Join(p.t.TempDir(), "config.toml")
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		p.t.Fatal(err)
	}
	args = append([]string{"doctor", "--bus", p.Bus.Address, "--config", config}, args...)
	process := exec.CommandContext(p.bounded(), os.Args[0], args...)
	process.Env = append(append(os.Environ(), asProgram+"=1"), environment...)
	var out, err bytes.Buffer
	process.Stdout, process.Stderr = &out, &err
	var exit *exec.ExitError
	if failed := process.Run(); failed != nil && !errors.As(failed, &exit) {
		p.t.Fatal(failed)
	}
	p.saw.WriteString(out.String() + err.String())
	return process.ProcessState.ExitCode(), out.String(), err.String()
}

func TestDoctor(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	plex := p.Plex.StartTLS()
	defer plex.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, plex.CAPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	trusting := []string{"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=/nowhere"}
	status, out, stderr := p.doctor(trusting, "--plex-url", plex.URL)
	if status != exitDone || stderr != "" || !strings.Contains(out, "ok     tls            the certificate is valid\n") || strings.Contains(out, "WRONG") {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
	status, out, stderr = p.doctor(trusting, "--plex-url", plex.URL, "--json")
	var view examinationView
	decode(t, out, &view)
	if status != exitDone || stderr != "" || !view.Healthy || len(view.Checks) != 13 || view.Checks[0] != (doctor.Finding{Check: "bus", Result: doctor.OK, Finding: "answers"}) {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}

	status, out, stderr = p.doctor([]string{"SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/nowhere"}, "--plex-url", plex.URL)
	if status != exitFailed || stderr != "" || !strings.Contains(out, "WRONG  tls            the certificate is signed by an unknown authority\n"+strings.Repeat(" ", 22)+"install or update ca-certificates") {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
	status, out, _ = p.doctor(nil, "--plex-url", plex.URL, "--json")
	decode(t, out, &view)
	if status != exitFailed || view.Healthy {
		t.Errorf("exit status %d: %s", status, out)
	}
}

func TestDoctorBehindAProxy(t *testing.T) {
	p := newPerson(t)
	status, out, _ := p.doctor([]string{"HTTPS_PROXY=http://127.0.0.1:1"}, "--plex-url", "https://plex.invalid")
	if status != exitFailed || strings.Count(out, "a proxy is used") != 2 || !strings.Contains(out, "WRONG  plex.tv") {
		t.Errorf("exit status %d: %s", status, out)
	}
}

func TestDoctorWithoutBus(t *testing.T) {
	p := newPerson(t)
	p.Bus.Stop()
	if status, out, stderr := p.doctor(nil, "--plex-url", "https://plex.invalid"); status != exitFailed || stderr != "" || !strings.HasPrefix(out, "WRONG  bus") {
		t.Errorf("exit status %d: %s%s", status, out, stderr)
	}
}
