package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
	"github.com/retune-tv/plexauthd/dbusapi/client"
	"github.com/retune-tv/plexauthd/dbusapi/client/boxtest"
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
	s.terminal, s.line = openTerminalOf(p.t, width, height)
	p.t.Cleanup(func() { _ = s.line.Close() })
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
	ctx, ctrlC := context.WithTimeout(s.p.t.Context(), boxtest.Timeout)
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
	deadline := time.After(boxtest.Timeout)
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

func TestLoginOnATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await(" left. Ctrl-C ends")
	code := p.state().Pin.Code
	for _, text := range []string{"█", "Open https://plex.tv/link on a phone", strings.Join(strings.Split(code, ""), "  "), "Waiting, "} {
		s.await(text)
	}
	s.fits(80, 24)
	if !strings.Contains(s.text, "\x1b[97;40m") {
		t.Error("the QR code's colours are left to the terminal")
	}
	if left := regexp.MustCompile(`Waiting, [45]:[0-9][0-9] left`); !left.MatchString(s.frame()) {
		t.Errorf("no countdown:\n%s", s.frame())
	}
	s.await("Waiting, 4:58 left") // it counts
	p.claim(code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestLoginOnSmallTerminals(t *testing.T) {
	for _, c := range []struct {
		width, height uint16
		args          []string
		advice        string // "" where no QR code is missed
	}{
		{80, 22, nil, "needs a terminal of 80 columns and 23 rows"},
		{32, 24, nil, "needs a terminal"},
		{20, 8, nil, ""},
		{80, 24, []string{"--qr=never"}, ""},
		{80, 24, []string{"--strong"}, "needs a terminal"},
		{40, 2, []string{"--strong"}, ""},
	} {
		p := withTerminal(t)
		s := p.sit(c.width, c.height, append([]string{"login"}, c.args...)...)
		s.await("Ctrl-C ends")
		if frame := s.frame(); strings.Contains(frame, "█") || strings.Contains(frame, "needs a terminal") != (c.advice != "") || !strings.Contains(strings.ReplaceAll(frame, "\r\n", " "), c.advice) {
			t.Errorf("%+v:\n%s", c, frame)
		}
		if c.height > 4 {
			s.fits(int(c.width), int(c.height))
		}
		p.claim(p.state().Pin.Code)
		s.ends(exitDone, "Signed in as alice\r\n", "")
	}
}

func TestLoginOnALargeTerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 41, "login", "--strong")
	s.await("█")
	s.await("https://app.plex.tv/auth#?")
	s.fits(80, 41)
	resize(t, s.terminal, 80, 40)
	s.await("needs a terminal of 80 columns and 41 rows") // within a second, also without a signal
	s.ctrlC()
	s.ends(exitFailed, "", "plexauthctl: cancelled\n")
}

func TestNoControlSequences(t *testing.T) {
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb", "TERM ": ""} {
		p := withTerminal(t)
		t.Setenv(strings.TrimSpace(name), value)
		for _, command := range []string{"login", "watch"} {
			s := p.sit(80, 24, command)
			s.await(map[string]string{"login": "Waiting until ", "watch": "Signed in"}[command])
			if command == "login" {
				p.claim(p.state().Pin.Code)
				s.await("Signed in as alice")
			} else {
				s.ctrlC()
			}
			<-s.status
			if strings.Contains(s.text, "\x1b") {
				t.Errorf("%s with %s=%s: %q", command, name, value, s.text)
			}
		}
	}
}

func TestANewCodeForTheAsking(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await("Waiting, ")
	s.types("\r\r") // means nothing yet
	first := p.state().Pin.Code
	if err := p.Plex.ExpirePin(first); err != nil {
		t.Fatal(err)
	}
	s.await("The code has expired. Enter gives a new one. Ctrl-C ends")
	if n := len(p.Plex.Pins()); n != 1 {
		t.Fatalf("%d PINs were requested before anybody wanted one", n)
	}
	s.types("\r")
	s.await("Waiting, ")
	if second := p.state().Pin.Code; second == first || second == "" {
		t.Errorf("the code after %q is %q", first, second)
	}
	p.claim(p.state().Pin.Code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestNobodyWantsANewCode(t *testing.T) {
	for name, test := range map[string]struct {
		act          func(*person, *sitting)
		status       int
		left, stderr string
	}{
		"Ctrl-C":              {func(_ *person, s *sitting) { s.ctrlC() }, exitFailed, "", "plexauthctl: cancelled\n"},
		"signed in elsewhere": {func(p *person, _ *sitting) { p.SignIn() }, exitDone, "Signed in as alice\r\n", ""},
		"no bus":              {func(p *person, _ *sitting) { p.Bus.Stop() }, exitFailed, "", "the connection to the bus has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			p := withTerminal(t)
			s := p.sit(80, 24, "login")
			s.await("Waiting, ")
			if err := p.Plex.ExpirePin(p.state().Pin.Code); err != nil {
				t.Fatal(err)
			}
			s.await("Enter gives a new one")
			test.act(p, s)
			s.ends(test.status, test.left, test.stderr)
		})
	}
}

// Without a keyboard nobody can be asked.
func TestExpiryWithoutAKeyboard(t *testing.T) {
	p := withTerminal(t)
	s := p.newSitting(80, 24)
	s.start(strings.NewReader(""), []string{"login"})
	s.await("Waiting, ")
	if err := p.Plex.ExpirePin(p.state().Pin.Code); err != nil {
		t.Fatal(err)
	}
	s.ends(exitFailed, "", "the code has expired before anybody entered it")
}

func TestLoginScreenOverARestart(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "login")
	s.await("Waiting, ")
	code := p.state().Pin.Code
	p.StopDaemon()
	s.await("plexauthd has stopped; waiting for it to come back. Ctrl-C ends")
	p.StartDaemon()
	s.await("Waiting, ")
	p.claim(code)
	s.ends(exitDone, "Signed in as alice\r\n", "")
}

func TestLoginScreenWhenPlexRefuses(t *testing.T) {
	p := withTerminal(t)
	p.Plex.Fail(plextvsim.Fault{Status: 429})
	s := p.sit(80, 24, "login")
	if status := <-s.status; status != exitFailed || s.termios() != s.before || !strings.Contains(s.stderr.String(), "try again later") {
		t.Errorf("exit status %d: %s", status, &s.stderr)
	}
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

func TestKeysAtATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.process("login")
	s.await("Waiting, ")
	resize(t, s.terminal, 80, 20)
	s.await("needs a terminal")
	s.types("\x1a\x1cabc") // Ctrl-Z, Ctrl-\ and what nobody asked for
	s.await("Waiting, 4:5")
	if strings.Contains(s.text, "abc") {
		t.Error("what is typed is shown")
	}
	s.types("\x03")
	s.ends(exitFailed, "", "plexauthctl: cancelled\n")
	if state := p.state().State; state != client.SignedOut {
		t.Errorf("the state afterwards is %s", state)
	}
}

// Whoever presses Ctrl-C twice, because nothing happens, gets the terminal back.
func TestCtrlCTwice(t *testing.T) {
	p := withTerminal(t)
	s := p.process("login")
	s.await("Waiting, ")
	p.freezeBus()
	s.types("\x03")
	for !strings.Contains(s.text, leaveScreen) {
		s.text += <-s.pieces
	}
	awaitEcho(t, s.line, true)
	for status := 0; status == 0; { // a signal may come before the first has been taken in
		s.types("\x03")
		select {
		case status = <-s.status:
		case <-time.After(50 * time.Millisecond):
		}
		if status > 0 {
			t.Errorf("exit status %d: it has not ended by the signal: %s", status, &s.stderr)
		}
	}
	if s.termios() != s.before {
		t.Error("the terminal is not as it was")
	}
}

// freezeBus has the bus do nothing until the test ends.
func (p *person) freezeBus() {
	p.t.Helper()
	_, path, _ := strings.Cut(p.Bus.Address, "unix:path=")
	path, _, _ = strings.Cut(path, ",")
	conn, err := net.Dial("unix", path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	bus, err := unix.GetsockoptUcred(int(file.Fd()), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(int(bus.Pid), syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = syscall.Kill(int(bus.Pid), syscall.SIGCONT) })
}

func TestWatchOnATerminal(t *testing.T) {
	p := withTerminal(t)
	s := p.sit(80, 24, "watch")
	s.await("Nobody is signed in")
	pin, err := p.frontend().RequestPin(p.bounded(), client.PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.await("Pairing: code " + pin.Code + " at https://plex.tv/link, 4:")
	s.await("Daemon:  plexauthd " + boxtest.Version + ", mode legacy")
	p.claim(pin.Code)
	s.await("Signed in as alice")
	s.await("pairing ended: claimed")
	if err := p.frontend().SelectServer(p.bounded(), client.Server{MachineID: "a1b2", URI: "http://10.0.0.2:32400"}); err != nil {
		t.Fatal(err)
	}
	s.await("Server:  http://10.0.0.2:32400 (a1b2)")
	s.fits(80, 24)
	p.StopDaemon()
	s.await("plexauthd is not running\r\n\r\n")
	p.StartDaemon()
	s.await("Signed in as alice")
	resize(t, s.terminal, 80, 9)
	s.await("Ctrl-C ends")
	for strings.Contains(s.frame(), "pairing ended: claimed") { // an old event, for which there is no room
		s.await("Ctrl-C ends")
		piece := <-s.pieces
		s.text += piece
	}
	s.fits(80, 9)
	s.ctrlC()
	s.ends(exitDone, "", "")
}

// Who may not know the name does not see it.
func TestWatchWithoutLeave(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "closed.conf")
	err := os.WriteFile(policy, []byte(`<busconfig><policy context="default">
  <allow own="tv.retune.PlexAuth1"/>
  <allow send_destination="tv.retune.PlexAuth1" send_interface="org.freedesktop.DBus.Properties"/>
</policy></busconfig>`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	p := personAt(t, boxtest.New(t, bustest.System(t, policy)))
	p.SignIn()
	s := p.sit(80, 24, "watch")
	s.await("Signed in\r\n")
	s.ctrlC()
	s.ends(exitDone, "", "")
	if strings.Contains(s.text, boxtest.Username) {
		t.Errorf("a name is shown:\n%s", s.text)
	}
}
