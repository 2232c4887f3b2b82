// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/client/clienttest"
)

// sitting is plexauthctl at a terminal.
type sitting struct {
	p        *person
	terminal *os.File // what the person sees and types to
	line     *os.File // the program's end
	before   unix.Termios
	pieces   chan string
	text     string // all that the terminal got
	ctrlC    context.CancelFunc
	stderr   strings.Builder
	status   chan int
}

// sit runs plexauthctl at a terminal of that size.
func (p *person) sit(width, height uint16, args ...string) *sitting {
	p.t.Helper()
	s := p.newSitting(width, height)
	s.start(s.line, args)
	return s
}

func (p *person) newSitting(width, height uint16) *sitting {
	p.t.Helper()
	s := &sitting{p: p, pieces: make(chan string, 1000), status: make(chan int, 1)}
	s.terminal, s.line = daemontest.Terminal(p.t, width, height)
	s.before = s.termios()
	go func() {
		for piece := make([]byte, 1<<16); ; {
			n, err := s.terminal.Read(piece)
			if err != nil { // the terminal is closed
				close(s.pieces)
				return
			}
			s.pieces <- string(piece[:n])
		}
	}()
	return s
}

func (s *sitting) start(stdin io.Reader, args []string) {
	ctx, ctrlC := context.WithTimeout(s.p.t.Context(), clienttest.Timeout)
	s.p.t.Cleanup(ctrlC)
	s.ctrlC = ctrlC
	go func() {
		program := &program{clock: s.p.clock, stdin: stdin, out: &output{w: s.line}, stderr: &s.stderr}
		s.status <- program.run(ctx, append([]string{"--bus", s.p.Bus.Address}, args...))
	}()
}

func (s *sitting) termios() unix.Termios {
	s.p.t.Helper()
	termios, err := unix.IoctlGetTermios(int(s.line.Fd()), unix.TCGETS)
	if err != nil {
		s.p.t.Fatal(err)
	}
	return *termios
}

// await waits until the terminal shows the text, in the last frame.
func (s *sitting) await(text string) {
	s.p.t.Helper()
	deadline := time.After(clienttest.Timeout)
	for !strings.Contains(s.frame(), text) {
		select {
		case piece := <-s.pieces:
			s.text += piece
			s.p.saw.WriteString(piece)
		case <-deadline:
			s.p.t.Fatalf("%q is not shown:\n%s", text, s.frame())
		}
	}
}

// frame is what is shown now.
func (s *sitting) frame() string {
	frames := strings.Split(s.text, fromTheTop)
	return regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]").ReplaceAllString(frames[len(frames)-1], "")
}

// ends checks how it ends, what is left on the terminal, and that the terminal is
// as it was.
func (s *sitting) ends(status int, left, stderr string) {
	s.p.t.Helper()
	if got := <-s.status; got != status || !strings.Contains(s.stderr.String(), stderr) || (stderr == "") != (s.stderr.Len() == 0) {
		s.p.t.Errorf("exit status %d, not %d: %q", got, status, &s.stderr)
	}
	_, _ = io.WriteString(s.line, "end of test")
	s.await("end of test")
	if text := strings.TrimSuffix(s.text, "end of test"); !strings.HasSuffix(text, leaveScreen+left) || strings.Count(text, leaveScreen) != 1 || strings.Count(text, enterScreen) != 1 {
		s.p.t.Errorf("the end is not clean: %q", text[max(0, len(text)-100):])
	}
	if s.termios() != s.before {
		s.p.t.Error("the terminal is not as it was")
	}
}

// fits checks that the last frame has room on a terminal of that size.
func (s *sitting) fits(width, height int) {
	s.p.t.Helper()
	lines := strings.Split(s.frame(), "\r\n")
	rows := 0
	for _, line := range lines {
		rows += 1 + max(0, utf8.RuneCountInString(line)-1)/width
	}
	if rows > height {
		s.p.t.Errorf("%d rows on a terminal with %d:\n%s", rows, height, s.frame())
	}
}

// withTerminal gives a terminal that can draw, wherever the tests run.
func withTerminal(t *testing.T) *person {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	return newPerson(t)
}

// process runs plexauthctl as a process whose terminal turns keys into signals.
func (p *person) process(args ...string) *sitting {
	p.t.Helper()
	s := p.newSitting(80, 24)
	process := exec.CommandContext(p.bounded(), os.Args[0], append([]string{"--bus", p.Bus.Address}, args...)...)
	process.Env = append(os.Environ(), asProgram+"=1")
	process.Stdin, process.Stdout, process.Stderr = s.line, s.line, &s.stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := process.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _ = process.Wait(); s.status <- process.ProcessState.ExitCode() }()
	return s
}

func (s *sitting) types(text string) { _, _ = s.terminal.WriteString(text) }
