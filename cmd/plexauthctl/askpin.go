package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// askPIN asks for a user's PIN on the terminal, unseen, or reads it from standard
// input. It is no argument: every process on the box could read it there.
func (p *program) askPIN(ctx context.Context, title string) (secret.String, error) {
	read := p.readLine
	if file, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		before, err := term.GetState(int(file.Fd()))
		if err != nil {
			return secret.String{}, fmt.Errorf("asking for the PIN: %w", err)
		}
		_, _ = fmt.Fprintf(p.stderr, "PIN of %s: ", plain(title))
		// Also after Ctrl-C, which leaves the read where it is.
		defer func() { _ = term.Restore(int(file.Fd()), before); _, _ = fmt.Fprintln(p.stderr) }()
		read = func() (string, error) {
			text, err := term.ReadPassword(int(file.Fd()))
			return string(text), err
		}
	}
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := read()
		typed <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return secret.String{}, ctx.Err()
	case l := <-typed:
		pin := strings.TrimSpace(l.text)
		switch {
		case l.err != nil && !errors.Is(l.err, io.EOF):
			return secret.String{}, fmt.Errorf("reading the PIN: %w", l.err)
		case pin == "":
			return secret.String{}, &ending{exitFailed, "the PIN is missing: type it on a terminal, or pass it on standard input"}
		}
		return secret.New(pin), nil
	}
}

// longestLine is more than any PIN needs.
const longestLine = 100

// readLine reads a line of standard input.
func (p *program) readLine() (string, error) {
	return bufio.NewReader(io.LimitReader(p.stdin, longestLine)).ReadString('\n')
}
