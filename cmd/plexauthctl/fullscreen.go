// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Control sequences of ECMA-48, and of xterm for the second screen, which leaves
// what was on the terminal as it was.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	fromTheTop  = "\x1b[H"
	wipe        = "\x1b[2J"
	restOfLine  = "\x1b[K"
	restOfAll   = "\x1b[J"
)

// fullScreen is a terminal that is drawn as a whole, again and again.
type fullScreen struct {
	out           *output
	terminal      *os.File // standard output
	width, height int
	shown         string           // what was drawn last
	resized       <-chan os.Signal // the size has changed: draw again
	enter         <-chan struct{}  // somebody has pressed Enter; nil without a keyboard
	close         func()           // gives the terminal back; once is enough
	closed        bool
}

// canDraw tells whether output goes to a terminal that obeys control sequences
// (https://no-color.org, and dumb is what terminfo calls one that does not).
func (p *program) canDraw() bool {
	name := os.Getenv("TERM")
	return !p.json && terminalWidth(p.out.w) > 0 && name != "" && name != "dumb" && os.Getenv("NO_COLOR") == ""
}

// openFullScreen takes over the terminal. Typing is not echoed meanwhile, and keys
// that would suspend or abort the program with the terminal in that state do
// nothing.
func (p *program) openFullScreen() (*fullScreen, error) {
	s := &fullScreen{out: p.out, terminal: p.out.w.(*os.File)}
	show := func() {}
	if keyboard, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(keyboard.Fd())) {
		var err error
		if show, err = hideTyping(keyboard, []int{unix.VSUSP, unix.VQUIT}); err != nil {
			return nil, fmt.Errorf("setting the terminal up: %w", err)
		}
		s.enter = pressesOfEnter(keyboard)
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	s.resized = resized
	s.close = func() {
		if !s.closed {
			s.closed = true
			signal.Stop(resized)
			_, _ = fmt.Fprint(s.out, leaveScreen)
			show()
		}
	}
	_, _ = fmt.Fprint(s.out, enterScreen)
	s.measure()
	return s, nil
}

// pressesOfEnter reads lines for as long as the program runs: nothing ends a read
// from a terminal.
func pressesOfEnter(keyboard *os.File) <-chan struct{} {
	pressed := make(chan struct{}, 1)
	go func() {
		for scanner := bufio.NewScanner(keyboard); scanner.Scan(); {
			select {
			case pressed <- struct{}{}:
			default:
			}
		}
	}()
	return pressed
}

// measure reports whether the size is another one than before.
func (s *fullScreen) measure() (changed bool) {
	width, height, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil || (width == s.width && height == s.height) {
		return false
	}
	s.width, s.height = width, height
	return true
}

// draw shows the lines and nothing else.
func (s *fullScreen) draw(lines []string) {
	text := fromTheTop + strings.Join(lines, restOfLine+"\n") + restOfLine + restOfAll
	if s.measure() {
		text = wipe + text
	}
	if s.closed || text == s.shown {
		return
	}
	s.shown = strings.TrimPrefix(text, wipe)
	_, _ = fmt.Fprint(s.out, text)
}

// fits tells whether the lines have room; none of them holds a control sequence.
func (s *fullScreen) fits(lines []string) bool { return rows(lines, s.width) <= s.height }

// rows counts what the lines take on a terminal of that width.
func rows(lines []string, width int) int {
	n := 0
	for _, line := range lines {
		n += 1 + max(0, utf8.RuneCountInString(line)-1)/max(1, width)
	}
	return n
}

func bold(text string) string { return "\x1b[1m" + text + "\x1b[0m" }
