// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/dbusapi/client"
)

// webAppVersion is that of the object under [webAppKey] which is understood.
const webAppVersion = 1

// The keys of the Retune web app in localStorage.
const (
	webAppKey   = "retune_plex_auth"
	clientIDKey = "retune_client_id"
)

// webAppSignIn is a sign-in of the web app.
type webAppSignIn struct {
	credentials client.Credentials
	hasClientID bool
}

// isJSON tells JSON from a bare token.
func isJSON(text string) bool { return strings.ContainsAny(text[:1], `{["`) }

// readWebApp reads what somebody has copied from the web app, or a bare token. Its
// errors quote nothing of the text.
func readWebApp(text string) (webAppSignIn, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case len(text) > longestImport:
		return webAppSignIn{}, fmt.Errorf("the input is longer than %d KiB", longestImport>>10)
	case text == "":
		return webAppSignIn{}, errors.New("the input is empty")
	case text == "null" || text == "undefined":
		return webAppSignIn{}, errors.New("nobody is signed in to that web app")
	case isJSON(text):
		return readStored(json.RawMessage(text))
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'{}<>,;`, r) }):
		return webAppSignIn{}, errors.New("the input is neither JSON nor a token")
	}
	return webAppSignIn{credentials: client.Credentials{Token: secret.New(text)}}, nil
}

// readStored reads the object, one that holds it, or either as the text that
// localStorage makes of it.
func readStored(raw json.RawMessage) (webAppSignIn, error) {
	if text, ok := asText(raw); ok {
		return readWebApp(text)
	}
	object, err := readObject(raw)
	if err != nil {
		return webAppSignIn{}, err
	}
	_, hasClientID := object[clientIDKey]
	inner, isOuter := object[webAppKey]
	if isOuter || hasClientID {
		if inner == nil || string(inner) == "null" {
			return webAppSignIn{}, errors.New("nobody is signed in to that web app: " + webAppKey + " is missing")
		}
		if text, ok := asText(inner); ok {
			inner = json.RawMessage(text)
		}
		if object, err = readObject(inner); err != nil {
			return webAppSignIn{}, fmt.Errorf("%s: %w", webAppKey, err)
		}
	}
	credentials, err := readAuth(object)
	return webAppSignIn{credentials, hasClientID}, err
}

// asText gives the text if raw is JSON for one.
func asText(raw json.RawMessage) (text string, ok bool) {
	return text, json.Unmarshal(raw, &text) == nil && string(raw) != "null"
}

// fields are those of an object, by name.
type fields map[string]json.RawMessage

func readObject(raw json.RawMessage) (fields, error) {
	var object fields
	decoder := json.NewDecoder(bytes.NewReader(raw))
	err := decoder.Decode(&object)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("unexpected end of JSON")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("invalid JSON at byte %d", syntax.Offset)
	case err != nil, object == nil:
		return nil, errors.New("this is not a JSON object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("trailing data after the JSON object")
	}
	return object, nil
}

// readAuth reads the object that has the token.
func readAuth(object fields) (client.Credentials, error) {
	var c client.Credentials
	var version json.Number
	if err := object.read("version", &version); err != nil || version.String() != fmt.Sprint(webAppVersion) {
		return c, fmt.Errorf("version: only %d is supported", webAppVersion)
	}
	holder, err := readObject(object["token"])
	if err != nil {
		return c, errors.New("token: is missing, or not an object")
	}
	var token string
	for _, field := range []struct {
		in     fields
		name   string
		target any
	}{
		{holder, "token", &token}, {holder, "user_id", &c.UserID}, {holder, "username", &c.Username},
		{holder, "email", &c.Email}, {holder, "thumb", &c.Thumb},
		{object, "selected_server_id", &c.SelectedServer.MachineID}, {object, "selected_server_uri", &c.SelectedServer.URI},
	} {
		if err := field.in.read(field.name, field.target); err != nil {
			return c, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	if token == "" {
		return c, errors.New("token.token: is missing")
	}
	c.Token = secret.New(token)
	if c.IssuedAt, err = holder.time("issued_at"); err != nil {
		return c, err
	}
	c.ExpiresAt, err = holder.time("expires_at")
	return c, err
}

// raw gives a field under its name, or as JavaScript writes names; nil if it is
// missing or null.
func (f fields) raw(name string) json.RawMessage {
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	for _, written := range []string{name, strings.Join(words, "")} {
		if raw := f[written]; raw != nil && string(raw) != "null" {
			return raw
		}
	}
	return nil
}

// read stores a field in target if it is there. A string may be written as a
// number, such as a user's id.
func (f fields) read(name string, target any) error {
	raw := f.raw(name)
	if raw == nil {
		return nil
	}
	if text, ok := target.(*string); ok {
		var number json.Number // also reads numbers in quotes, and those only
		if json.Unmarshal(raw, text) != nil && json.Unmarshal(raw, &number) != nil {
			return errors.New("is not a string")
		}
		if *text == "" {
			*text = number.String()
		}
		return nil
	}
	return json.Unmarshal(raw, target)
}

// lastSecond is the year 2286 in seconds; greater numbers are JavaScript's
// milliseconds.
const lastSecond = 1e10

// time reads a time as JavaScript writes one: text or a number.
func (f fields) time(name string) (time.Time, error) {
	raw := f.raw(name)
	if raw == nil {
		return time.Time{}, nil
	}
	var at time.Time
	var number float64
	switch {
	case json.Unmarshal(raw, &at) == nil:
		return at, nil
	case json.Unmarshal(raw, &number) != nil:
		return time.Time{}, fmt.Errorf("%s: is not a time", name)
	case number > lastSecond:
		number /= 1000
	}
	if number < 0 || number > lastSecond {
		return time.Time{}, fmt.Errorf("%s: is not a time", name)
	}
	return time.Unix(int64(number), 0), nil
}
