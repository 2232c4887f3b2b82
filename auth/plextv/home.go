// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// maxHomeUsers is far above the 15 that Plex lets a home have.
const maxHomeUsers = 100

// plex.tv's codes for a home PIN.
const (
	codePinMalformed = 1038
	codePinWrong     = 1041
)

// HomeUser is a member of a Plex Home.
type HomeUser struct {
	ID    string // may be empty
	UUID  string
	Title string // as that of a [User]
	Thumb string // may be empty
	// Admin runs the home; Restricted is a managed user.
	Admin, Guest, Restricted bool
	// Protected: a PIN is needed. plex.tv has accepted clients that sent none, so
	// the caller has to ask for it. Also true if plex.tv does not say.
	Protected bool
}

// Home is a Plex Home as plex.tv lists it.
type Home struct {
	Users  []HomeUser
	Unread int // users who were left out
}

// HomeUsers asks for the users of the Plex Home that a token's account is in,
// at most 100; none if it is in none, which plex.tv may say with a 404 or null.
// Users that cannot be read are left out and counted; an answer in which nothing can be read is
// an [InvalidResponse]. It tries up to 3 times; its errors are [*Error], or ctx's if
// that has ended.
func (c *Client) HomeUsers(ctx context.Context, id Identity, token secret.String) (home Home, err error) {
	err = c.retry(ctx, request{
		op: "asking plex.tv for the users of the home", method: http.MethodGet,
		path: "/api/v2/home/users", identity: id, authorized: true, token: token, success: []int{http.StatusOK},
	}, func(a answer) (err error) {
		home, err = readHomeUsers(a)
		return err
	})
	var failed *Error
	if errors.As(err, &failed) && failed.Kind == Gone {
		return Home{}, nil
	}
	return home, err
}

func readHomeUsers(a answer) (read Home, err error) {
	var home map[string]json.RawMessage
	if err := a.readJSON(&home); err != nil {
		return Home{}, err
	}
	list, listed := home["users"]
	if home != nil && !listed && home["id"] == nil {
		return Home{}, errors.New("neither a home nor a list of users")
	}
	var entries []json.RawMessage
	if listed && json.Unmarshal(list, &entries) != nil {
		return Home{}, errors.New("users that are no list")
	}
	for _, entry := range entries {
		user, err := readHomeUser(entry, a.odd)
		switch {
		case err != nil:
			a.odd("users")
			read.Unread++
		case read.has(user):
		case len(read.Users) < maxHomeUsers:
			read.Users = append(read.Users, user)
		case user.Admin: // without whom nobody can go back
			read.Users[maxHomeUsers-1] = user
			read.Unread++
		default:
			read.Unread++
		}
	}
	if len(read.Users) == 0 && len(entries) > 0 {
		return Home{}, errors.New("a list in which nothing can be read")
	}
	return read, nil
}

// has reports whether the user was read before. A duplicate that is protected makes the
// user protected.
func (h Home) has(user HomeUser) bool {
	at := slices.IndexFunc(h.Users, func(u HomeUser) bool { return u.UUID == user.UUID })
	if at >= 0 {
		h.Users[at].Protected = h.Users[at].Protected || user.Protected
	}
	return at >= 0
}

func readHomeUser(entry json.RawMessage, odd func(field string)) (HomeUser, error) {
	var fields struct {
		userFields
		Admin     loose `json:"admin"`
		Guest     loose `json:"guest"`
		Protected loose `json:"protected"`
	}
	if err := json.Unmarshal(entry, &fields); err != nil {
		return HomeUser{}, err
	}
	user := fields.user(odd)
	if !isID(user.UUID) {
		return HomeUser{}, errors.New("a user without a usable uuid")
	}
	return HomeUser{
		ID: user.ID, UUID: user.UUID, Title: user.Title, Thumb: user.Thumb,
		Admin: fields.Admin.truth(), Guest: fields.Guest.truth(), Restricted: user.Restricted,
		Protected: !fields.Protected.known() || fields.Protected.truth(),
	}, nil
}

// SwitchHomeUser asks for a token of another user of the home. token is the
// admin's, pin empty for a user without one. It tries once: plex.tv may count
// wrong PINs, and limits the rate of switches. Its errors are [*Error], or ctx's
// if that has ended: [PinRejected] for a wrong or missing PIN, [Refused] for a
// token that is not good, [Forbidden] for a user that this token may not be.
func (c *Client) SwitchHomeUser(ctx context.Context, id Identity, token secret.String, uuid string, pin secret.String) (own secret.String, user User, err error) {
	r := request{
		op: "switching to a user of the home at plex.tv", method: http.MethodPost,
		path: "/api/v2/home/users/{id}/switch", id: secret.New(uuid), identity: id, authorized: true, token: token,
		hidden: []secret.String{pin}, success: []int{http.StatusCreated, http.StatusOK},
		meanings: map[int]Kind{codePinWrong: PinRejected, codePinMalformed: PinRejected},
	}
	switch {
	case !isID(uuid):
		return own, user, r.unsent("this is no user's uuid")
	case !isHomePin(pin):
		return own, user, r.unsent("a home PIN is 4 digits")
	case !pin.IsZero():
		r.query = url.Values{"pin": {pin.Reveal()}} // Plex takes it nowhere else
	}
	err = c.ask(ctx, r, func(a answer) (err error) {
		own, user, err = readSwitched(a, uuid)
		return err
	})
	return own, user, err
}

// isHomePin keeps what plex.tv would refuse from being counted there.
func isHomePin(pin secret.String) bool {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	text := pin.Reveal()
	return text == "" || len(text) == 4 && !strings.ContainsFunc(text, notDigit)
}

// readSwitched refuses another user than was asked for: it may be one whom
// nothing is locked for.
func readSwitched(a answer, uuid string) (secret.String, User, error) {
	var body struct {
		userFields
		AuthToken loose `json:"authToken"`
	}
	if err := a.readJSON(&body); err != nil {
		return secret.String{}, User{}, err
	}
	user := body.user(a.odd)
	token, err := readToken("authToken", body.AuthToken)
	switch {
	case err != nil:
		return secret.String{}, User{}, err
	case token.IsZero():
		return secret.String{}, User{}, errors.New("there is no token")
	case user.UUID != "" && user.UUID != uuid:
		return secret.String{}, User{}, errors.New("it is another user")
	}
	return token, user, nil
}
