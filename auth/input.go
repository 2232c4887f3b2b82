// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/retune-tv/plexauthd/auth/legible"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// Limits of arguments, in bytes. plex.tv's tokens have 20 characters, its JWTs
// about 1,000.
const (
	maxToken = 8 << 10
	maxText  = 2 << 10
)

// lastTime is the end of the year 9999, the last that RFC 3339 can express.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func checkToken(token secret.String) error {
	switch text := token.Reveal(); {
	case text == "":
		return errorf(InvalidArgs, "token: is empty")
	case len(text) > maxToken:
		return errorf(InvalidArgs, "token: is longer than %d bytes", maxToken)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		// It is sent in an HTTP header.
		return errorf(InvalidArgs, "token: has characters that no token has")
	}
	return nil
}

func checkText(name, text string) error {
	switch {
	case len(text) > maxText:
		return errorf(InvalidArgs, "%s: is longer than %d bytes", name, maxText)
	case !utf8.ValidString(text):
		return errorf(InvalidArgs, "%s: is not UTF-8", name)
	case !legible.IsText(text):
		return errorf(InvalidArgs, "%s: has control characters or noncharacters", name)
	}
	return nil
}

func checkTime(name string, t time.Time) error {
	if !t.IsZero() && (t.Unix() < 0 || t.Unix() > lastTime.Unix()) {
		return errorf(InvalidArgs, "%s: is not between 1970 and 9999", name)
	}
	return nil
}

func (c Credentials) check() error {
	if err := checkToken(c.Token); err != nil {
		return err
	}
	for _, field := range []struct{ name, text string }{
		{"user_id", c.UserID}, {"username", c.Username}, {"email", c.Email}, {"thumb", c.Thumb},
	} {
		if err := checkText(field.name, field.text); err != nil {
			return err
		}
	}
	if err := checkTime("issued_at", c.IssuedAt); err != nil {
		return err
	}
	if err := checkTime("expires_at", c.ExpiresAt); err != nil {
		return err
	}
	server := Server{MachineID: c.ServerMachineID, URI: c.ServerURI}
	return server.checkNamed("selected_server_id", "selected_server_uri")
}

func (s Server) check() error { return s.checkNamed("machine_id", "uri") }

func (s Server) checkNamed(idName, uriName string) error {
	if err := checkText(idName, s.MachineID); err != nil {
		return err
	}
	if err := checkText(uriName, s.URI); err != nil {
		return err
	}
	if s == (Server{}) {
		return nil
	}
	if s.MachineID == "" {
		return errorf(InvalidArgs, "%s: is empty", idName)
	}
	uri, err := url.Parse(s.URI)
	if err != nil || (uri.Scheme != "http" && uri.Scheme != "https") || uri.Host == "" || uri.User != nil {
		return errorf(InvalidArgs, "%s: is not an http or https address of a server", uriName)
	}
	return nil
}
