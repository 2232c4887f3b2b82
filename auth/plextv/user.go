// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// User is the account or Plex Home user that a token belongs to. All fields
// but ID, and one of Username and Title, may be empty: a managed user has a
// title alone. plex.tv may not say HomeAdmin and Restricted; then they are false.
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
	var body json.RawMessage
	if err := a.readJSON(&body); err != nil {
		return User{}, err
	}
	return parseUser(body)
}

func parseUser(object json.RawMessage) (User, error) {
	var body struct {
		ID         loose `json:"id"`
		UUID       loose `json:"uuid"`
		Username   loose `json:"username"`
		Title      loose `json:"title"`
		Email      loose `json:"email"`
		Thumb      loose `json:"thumb"`
		HomeAdmin  loose `json:"homeAdmin"`
		Restricted loose `json:"restricted"`
	}
	if json.Unmarshal(object, &body) != nil {
		return User{}, errors.New("a user that is not a JSON object")
	}
	user := User{HomeAdmin: body.HomeAdmin.truth(), Restricted: body.Restricted.truth()}
	for _, field := range []struct {
		name  string
		value loose
		limit int
		to    *string
	}{
		{"id", body.ID, maxCode, &user.ID}, {"uuid", body.UUID, maxCode, &user.UUID},
		{"username", body.Username, maxText, &user.Username}, {"title", body.Title, maxText, &user.Title},
		{"email", body.Email, maxText, &user.Email}, {"thumb", body.Thumb, maxText, &user.Thumb},
	} {
		var err error
		if *field.to, err = field.value.word(field.name, field.limit); err != nil {
			return User{}, fmt.Errorf("a user that cannot be read: %w", err)
		}
	}
	if user.ID == "" {
		return User{}, errors.New("the user has no id")
	}
	if user.Username == "" && user.Title == "" {
		return User{}, errors.New("the user has neither username nor title")
	}
	return user, nil
}
