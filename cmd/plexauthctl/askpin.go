// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// longestLine is more than any PIN needs.
const longestLine = 100

// askPIN asks for a user's PIN on the terminal, or reads it from standard input.
func (p *program) askPIN(ctx context.Context, title string) (secret.String, error) {
	text, err := p.readSecret(ctx, "PIN of "+plain(title), func(input io.Reader) (string, error) {
		return bufio.NewReader(io.LimitReader(input, longestLine)).ReadString('\n')
	})
	pin := strings.TrimSpace(text)
	switch {
	case errors.Is(err, context.Canceled):
		return secret.String{}, err
	case err != nil:
		return secret.String{}, fmt.Errorf("reading the PIN: %w", err)
	case pin == "":
		return secret.String{}, &ending{exitFailed, "the PIN is missing: type it on a terminal, or pass it on standard input"}
	}
	return secret.New(pin), nil
}
