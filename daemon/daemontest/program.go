// SPDX-License-Identifier: Apache-2.0

package daemontest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Program is a program that prints lines, such as a frontend.
type Program struct {
	*exec.Cmd
	Printed Output      // with what it prints to standard error
	Lines   chan string // those that nobody has read yet; closed at its end

	t testing.TB
}

// Run starts a program, which ends with the test at the latest.
func Run(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{t: t, Cmd: cmd, Lines: make(chan string, 10000)}
	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = written, written
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %q: %v", cmd.Args, err)
	}
	_ = written.Close()
	go p.read(read)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return p
}

func (p *Program) read(from *os.File) {
	defer close(p.Lines)
	defer from.Close()
	lines := bufio.NewScanner(from)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		fmt.Fprintln(&p.Printed, lines.Text())
		p.Lines <- lines.Text()
	}
}

// Await reads what the program prints up to that line.
func (p *Program) Await(line string) {
	p.t.Helper()
	p.await(Patience, line, func(printed string) bool { return printed == line })
}

// AwaitText is [Program.Await] for a line that has the text.
func (p *Program) AwaitText(text string) {
	p.t.Helper()
	p.AwaitSlow(1, text)
}

// AwaitSlow is [Program.AwaitText] for what takes that many times as long.
func (p *Program) AwaitSlow(times time.Duration, text string) {
	p.t.Helper()
	p.await(times*Patience, text, func(printed string) bool { return strings.Contains(printed, text) })
}

func (p *Program) await(limit time.Duration, what string, fits func(line string) bool) {
	p.t.Helper()
	for late := time.After(limit); ; {
		select {
		case line, ok := <-p.Lines:
			if ok && fits(line) {
				return
			}
			if !ok {
				p.t.Fatalf("%q ended before %q; it printed\n%s", p.Args, what, &p.Printed)
			}
		case <-late:
			p.t.Fatalf("%q did not print %q but\n%s", p.Args, what, &p.Printed)
		}
	}
}

// End waits until the program has ended and all that it printed is read.
func (p *Program) End() error {
	killer := time.AfterFunc(Patience, func() { _ = p.Process.Kill() })
	defer killer.Stop()
	for range p.Lines {
	}
	return p.Wait()
}

// Stop has the program end, and returns all that it has printed.
func (p *Program) Stop() (printed string) {
	_ = p.Process.Signal(syscall.SIGTERM)
	_ = p.End() // by the signal
	return p.Printed.String()
}

// MustEndWell wants it to end with exit status 0.
func (p *Program) MustEndWell() {
	p.t.Helper()
	if err := p.End(); err != nil {
		p.t.Errorf("%q: %v; it printed\n%s", p.Args, err, &p.Printed)
	}
}

// MustEndInError wants an exit status that tells, and no crash.
func (p *Program) MustEndInError() {
	p.t.Helper()
	err := p.End()
	if err == nil || !p.ProcessState.Exited() || strings.Contains(p.Printed.String(), "Traceback") {
		p.t.Errorf("%q ended so: %v; it printed\n%s", p.Args, err, &p.Printed)
	}
}
