// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is one run of plexauthd.
type Process struct {
	*os.Process
	Box   *Box
	Ended chan struct{} // closed when it has ended
	cmd   *exec.Cmd
}

// Launch starts plexauthd with these arguments after the usual ones.
func (b *Box) Launch(args ...string) *Process {
	b.Helper()
	usual := []string{"--bus", b.Bus.Address, "--state", b.State, "--plex-url", b.Plex.URL, "--config", b.Path("config.toml"), "--log-level", "debug"}
	return b.Exec(exec.Command(b.Program, append(usual, args...)...))
}

// Exec starts a command that becomes plexauthd.
func (b *Box) Exec(cmd *exec.Cmd) *Process {
	b.Helper()
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+b.Path("ca.pem"), "NOTIFY_SOCKET="+b.listen(), "JOURNAL_STREAM=")
	cmd.Env = append(cmd.Env, b.Env...)
	cmd.Stdout, cmd.Stderr = &b.Printed, &b.Printed
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &Process{cmd.Process, b, make(chan struct{}), cmd}
	go func() { _ = cmd.Wait(); close(p.Ended) }()
	b.Cleanup(p.End)
	return p
}

// Start launches plexauthd and waits until it is ready.
func (b *Box) Start(args ...string) *Process {
	b.Helper()
	p := b.Launch(args...)
	b.AwaitNote("READY=1")
	return p
}

// End kills the process, as a crash does, and waits for its end.
func (p *Process) End() {
	_ = p.Process.Kill()
	<-p.Ended
}

// Signal sends a signal to the process, which must be running.
func (p *Process) Signal(s syscall.Signal) {
	p.Box.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.Box.Fatalf("%v; output:\n%s", err, &p.Box.Printed)
	}
}

// Wait returns the exit status.
func (p *Process) Wait() (status int) {
	p.Box.Helper()
	select {
	case <-p.Ended:
	case <-time.After(Patience):
		p.Box.Fatalf("plexauthd has not ended; output:\n%s", &p.Box.Printed)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop has the process end as the service manager does, and wants that to succeed.
func (p *Process) Stop() {
	p.Box.Helper()
	p.Signal(syscall.SIGTERM)
	if status := p.Wait(); status != 0 {
		p.Box.Fatalf("exit status %d after SIGTERM; output:\n%s", status, &p.Box.Printed)
	}
}

// Reload has the process read this configuration, and returns what it says then.
func (p *Process) Reload(text string) (note string) {
	p.Box.Helper()
	p.Box.Configure(text)
	p.Signal(syscall.SIGHUP)
	p.Box.AwaitNote("RELOADING=1")
	return p.Box.AwaitNote("READY=1")
}

// Output collects what processes print.
type Output struct {
	Most int // only as much of the end, if not 0

	mu   sync.Mutex
	text []byte
}

// Write adds to the output.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if o.Most > 0 {
		o.text = o.text[max(0, len(o.text)-o.Most):]
	}
	return len(p), nil
}

// String is what has been printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
