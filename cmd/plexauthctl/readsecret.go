// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// readSecret reads a secret from standard input with read. On a terminal it prompts for
// it and turns off echo. A secret is never an argument: every process on the box
// could read it there.
func (p *program) readSecret(ctx context.Context, prompt string, read func(io.Reader) (string, error)) (string, error) {
	if file, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		show, err := hideTyping(file, nil)
		if err != nil {
			return "", fmt.Errorf("asking for %s: %w", prompt, err)
		}
		// Also after Ctrl-C, which leaves the read where it is.
		defer func() { show(); _, _ = fmt.Fprintln(p.stderr) }()
		_, _ = fmt.Fprintf(p.stderr, "%s: ", prompt)
	}
	type result struct {
		text string
		err  error
	}
	typed := make(chan result, 1)
	go func() {
		text, err := read(p.stdin)
		typed <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-typed:
		if errors.Is(r.err, io.EOF) {
			r.err = nil
		}
		return r.text, r.err
	}
}

// hideTyping turns off echo until show is called, which also drops unread input:
// the shell would run it. The control characters in without do nothing meanwhile
// (termios(3)).
func hideTyping(terminal *os.File, without []int) (show func(), err error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	for _, character := range without {
		hidden.Cc[character] = 0 // _POSIX_VDISABLE
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETSF, before) }, nil
}
