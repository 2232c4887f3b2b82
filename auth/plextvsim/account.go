// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
)

// errNoUser says that nobody has such a name.
var errNoUser = errors.New("no such user")

// User is an account at plex.tv. [Sim.AddUser] fills fields in that are empty.
type User struct {
	ID         int64
	UUID       string // 16 hexadecimal digits
	Username   string
	Title      string // what is shown; the user name if empty
	Email      string
	Thumb      string // URL of the avatar
	HomeAdmin  bool
	Restricted bool   // a managed user of a Plex Home
	Guest      bool   // the guest of a Plex Home
	PIN        string // 4 digits that protect the user in a Plex Home; "" for none
	// Password lets the user sign in with it; "" is none that works.
	Password string
	// VerificationCode is the code of two factors that has to go with the password;
	// "" asks for none.
	VerificationCode string
	// Token is the first token of this account. A random one if empty.
	Token string
	// Resources are the media servers and players that the account sees.
	Resources []Resource

	home *home // nil without a Plex Home
	// wrongPasswords is how many were tried in a row.
	wrongPasswords int
	switches       switchCount // of an admin's home
}

// AddUser creates an account and returns a token for it, as some other device of
// that person might hold. A device that registers a key with it makes it its own.
func (s *Sim) AddUser(user User) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, token = s.addUser(user)
	return token
}

func (s *Sim) addUser(user User) (*User, string) {
	number := len(s.users) + 1
	fill(&user.Username, fmt.Sprintf("sim-user-%d", number))
	fill(&user.Title, user.Username)
	fill(&user.Email, user.Username+"@example.com")
	fill(&user.UUID, randomText(hexDigits, 16))
	fill(&user.Thumb, "https://plex.tv/users/"+user.UUID+"/avatar?c=1700000000")
	if user.ID == 0 {
		user.ID = 1000000 + int64(number)
	}
	resources := make([]Resource, 0, len(user.Resources))
	for _, resource := range user.Resources {
		resources = append(resources, resource.filled())
	}
	user.Resources = resources
	s.grant(&user)
	s.users = append(s.users, &user)
	return &user, s.issue(&session{user: &user, token: user.Token})
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// firstUser returns the first user and makes one up if there is none.
func (s *Sim) firstUser() *User {
	if len(s.users) == 0 {
		s.addUser(User{})
	}
	return s.users[0]
}

// userNamed returns the user of that name; "" is the first one's.
func (s *Sim) userNamed(name string) (*User, error) {
	for _, user := range s.users {
		if user.Username == name {
			return user, nil
		}
	}
	if name == "" {
		return s.firstUser(), nil
	}
	return nil, fmt.Errorf("user %q: %w", name, errNoUser)
}

// userOf returns whose token this is; "" is the first user's.
func (s *Sim) userOf(token string) (*User, error) {
	if token == "" {
		return s.firstUser(), nil
	}
	session, _ := s.sessionOf(token, s.clock.Now())
	if session == nil {
		return nil, ErrNoToken
	}
	return session.user, nil
}

func (s *Sim) getUser(x *exchange, session *session) reply {
	return reply{http.StatusOK, newUserDoc(session.user, session.token, x)}
}
