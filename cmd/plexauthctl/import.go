// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// longestImport is what import reads at most, in bytes. What the web app keeps is
// a few hundred.
const longestImport = 64 << 10

func (p *program) importCommand() *cobra.Command {
	unverified := false
	command := p.asking("import", "Sign in with what the Retune web app keeps, or with a token, from standard input", func(ctx context.Context, c *client.Client) error {
		return p.importSignIn(ctx, c.Interactive(), unverified)
	})
	command.Long = `Sign in with what the Retune web app keeps in localStorage, read from standard input:
the value of retune_plex_auth, an object that has that key, or the token alone.
The token is checked at plex.tv first, and replaces the current sign-in.

The client identifier of the web app, retune_client_id, is not imported: this box
keeps its own, to which a device key may be bound.`
	command.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 { // perhaps a token: it is not repeated
			return errors.New("import takes no argument: pass the token on standard input")
		}
		return nil
	}
	command.Flags().BoolVar(&unverified, "unverified", false, "store the token unchecked if plex.tv cannot be asked; needs the user's id and name in the input")
	return command
}

func (p *program) importSignIn(ctx context.Context, c *client.Client, unverified bool) error {
	text, err := p.readSecret(ctx, "Paste what the web app keeps, or a token", p.readImport)
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	found, err := readWebApp(text)
	if err != nil {
		return &ending{exitFailed, "nothing was imported: " + err.Error()}
	}
	if found.hasClientID {
		_, _ = fmt.Fprintln(p.stderr, "plexauthctl: retune_client_id is not imported: this box keeps its own client identifier")
	}
	if unverified && (found.credentials.UserID == "" || found.credentials.Username == "") {
		return &ending{exitFailed, "nothing was imported: --unverified needs user_id and username in the input"}
	}
	if !unverified {
		// With these, plexauthd would store a token that plex.tv could not be asked about.
		found.credentials.UserID, found.credentials.Username = "", ""
		found.credentials.Email, found.credentials.Thumb = "", ""
	}
	if err := c.StoreCredentials(ctx, found.credentials); err != nil {
		return explainImport(err, unverified)
	}
	return p.tellImported(ctx, c)
}

// readImport reads all input, or from a terminal a token or complete JSON, so that
// nobody has to know Ctrl-D.
func (p *program) readImport(input io.Reader) (string, error) {
	limited := io.LimitReader(input, longestImport+1)
	if file, ok := input.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		text, err := io.ReadAll(limited)
		return string(text), err
	}
	var text []byte
	for lines := bufio.NewReader(limited); ; {
		line, err := lines.ReadBytes('\n')
		text = append(text, line...)
		start := bytes.TrimSpace(text)
		if err != nil || (len(start) > 0 && (!isJSON(string(start)) || json.Valid(start))) {
			return string(text), err
		}
	}
}

// explainImport says why nothing was stored.
func explainImport(err error, unverified bool) error {
	end := func(text string) error { return &ending{exitFailed, "nothing was imported: " + text} }
	switch client.CodeOf(err) {
	case client.AuthInvalid:
		return end("plex.tv refuses this token, which has ended or was revoked: sign in with plexauthctl login")
	case client.InvalidArgs:
		return end(err.Error() + " (plexauthctl login)")
	case client.Unreachable, client.RateLimited, client.ServerError, client.InvalidResponse:
		if unverified {
			return end("plex.tv cannot be asked about the token, and another one is stored, which an unchecked one must not replace: " + err.Error())
		}
		return end("plex.tv cannot be asked about the token now: try again later, or see --unverified: " + err.Error())
	}
	return err
}

func (p *program) tellImported(ctx context.Context, c *client.Client) error {
	s, u, err := p.stateAndUser(ctx, c)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(struct {
			User     client.User `json:"user,omitzero"`
			Verified bool        `json:"verified"`
		}{u, s.State == client.SignedIn})
	}
	p.printf("%s\n", stateWords(s, u))
	return nil
}
