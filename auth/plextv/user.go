// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// User is the account or Plex Home user that a token belongs to. All fields but ID
// may be empty: a managed user has a title alone. Title is the first that there is of
// plex.tv's title, friendlyName, username and email. plex.tv may not say HomeAdmin and
// Restricted; then they are false.
type User struct {
	ID, UUID, Username, Title, Email, Thumb string
	HomeAdmin, Restricted                   bool
}

// User asks whose token this is; plex.tv's 200 means that it is good. It tries
// up to 3 times; its errors are [*Error] ([Refused] if the token is not good),
// or ctx's if that has ended.
func (c *Client) User(ctx context.Context, id Identity, token secret.String) (User, error) {
	r := request{
		op: "asking plex.tv for the user of a token", method: http.MethodGet,
		path: "/api/v2/user", identity: id, authorized: true, token: token, success: []int{http.StatusOK},
	}
	var user User
	err := c.retry(ctx, r, func(a answer) (err error) {
		user, err = readUser(a)
		return err
	})
	return user, err
}

// SignOut revokes the token at plex.tv. It tries up to 3 times; its errors are
// [*Error], or ctx's if that has ended. [Refused] means that the token is
// already worthless, for example because the answer to an earlier try was lost.
func (c *Client) SignOut(ctx context.Context, id Identity, token secret.String) error {
	r := request{
		op: "signing out at plex.tv", method: http.MethodDelete,
		path: "/api/v2/users/signout", identity: id, authorized: true, token: token,
		success: []int{http.StatusNoContent, http.StatusOK},
	}
	return c.retry(ctx, r, readSignOut)
}

// readSignOut expects no body, or an object. Anything else with a 200 comes
// from somebody in between, and the token is still good.
func readSignOut(a answer) error {
	if len(a.body) == 0 && !a.isHTML() {
		return nil
	}
	return a.readJSON(new(struct{}))
}

func readUser(a answer) (User, error) {
	var body userFields
	if err := a.readJSON(&body); err != nil {
		return User{}, err
	}
	user := body.user(a.odd)
	if user.ID == "" {
		return User{}, errors.New("the user has no id")
	}
	return user, nil
}

// userFields are what plex.tv says of a user, in a user's own answer and in a home.
type userFields struct {
	ID           loose `json:"id"`
	UUID         loose `json:"uuid"`
	Username     loose `json:"username"`
	Title        loose `json:"title"`
	FriendlyName loose `json:"friendlyName"`
	Email        loose `json:"email"`
	Thumb        loose `json:"thumb"`
	HomeAdmin    loose `json:"homeAdmin"`
	Restricted   loose `json:"restricted"`
}

// user takes the fields that can be read.
func (f userFields) user(odd func(field string)) User {
	user := User{HomeAdmin: f.HomeAdmin.truth(), Restricted: f.Restricted.truth()}
	var friendly string
	for _, field := range []struct {
		name  string
		value loose
		to    *string
	}{
		{"title", f.Title, &user.Title}, {"friendlyName", f.FriendlyName, &friendly},
		{"username", f.Username, &user.Username}, {"email", f.Email, &user.Email},
	} {
		var readable bool
		if *field.to, readable = field.value.name(maxText); !readable {
			odd("user." + field.name)
		}
	}
	user.Title = cmp.Or(user.Title, friendly, user.Username, user.Email)
	for _, field := range []struct {
		name  string
		value loose
		limit int
		to    *string
	}{
		{"id", f.ID, maxCode, &user.ID}, {"uuid", f.UUID, maxCode, &user.UUID}, {"thumb", f.Thumb, maxText, &user.Thumb},
	} {
		var err error
		if *field.to, err = field.value.word(field.name, field.limit); err != nil {
			odd("user." + field.name)
		}
	}
	for name, flag := range map[string]loose{"homeAdmin": f.HomeAdmin, "restricted": f.Restricted} {
		if !flag.absent() && !flag.known() {
			odd("user." + name)
		}
	}
	return user
}
