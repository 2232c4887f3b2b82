package plextvsim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrNoToken says that a token was never given out.
var ErrNoToken = errors.New("no such token")

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
	Restricted bool // a managed user of a Plex Home
	// Token is the first token of this account. A random one if empty.
	Token string
	// Resources are the media servers and players that the account sees.
	Resources []Resource
}

// session is what a token stands for.
type session struct {
	user    *User
	refused int // the status with which plex.tv answers the token, 0 while it is good
}

// AddUser creates an account and returns a token for it, as some other device of
// that person might hold.
func (s *Sim) AddUser(user User) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(user)
}

func (s *Sim) addUser(user User) (token string) {
	number := len(s.users) + 1
	fill(&user.Username, fmt.Sprintf("sim-user-%d", number))
	fill(&user.Title, user.Username)
	fill(&user.Email, user.Username+"@example.com")
	fill(&user.UUID, randomText("0123456789abcdef", 16))
	fill(&user.Thumb, "https://plex.tv/users/"+user.UUID+"/avatar?c=1700000000")
	if user.ID == 0 {
		user.ID = 1000000 + int64(number)
	}
	resources := make([]Resource, 0, len(user.Resources))
	for _, resource := range user.Resources {
		resources = append(resources, resource.filled())
	}
	user.Resources = resources
	s.users = append(s.users, &user)
	return s.mint(&user, user.Token)
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// mint makes a token for the user, or takes the one given.
func (s *Sim) mint(user *User, token string) string {
	fill(&token, randomText(tokenAlphabet, 20))
	s.sessions[token] = &session{user: user}
	return token
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

// holder returns whose token this is; "" is the first user's.
func (s *Sim) holder(token string) (*User, error) {
	if token == "" {
		return s.firstUser(), nil
	}
	if session, ok := s.sessions[token]; ok && session.refused == 0 {
		return session.user, nil
	}
	return nil, ErrNoToken
}

// Revoke makes plex.tv answer the token with 401 and code 1001, as after the
// device was removed from the account. The error is [ErrNoToken].
func (s *Sim) Revoke(token string) error { return s.Refuse(token, http.StatusUnauthorized) }

// Refuse makes plex.tv answer the token with an HTTP status and its usual error
// for it: 401 (revoked), 403 (not allowed), 422 ("Invalid token"). Status 0 makes
// the token good again. The error is [ErrNoToken].
func (s *Sim) Refuse(token string, status int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[token]
	if !ok {
		return fmt.Errorf("refusing a token: %w", ErrNoToken)
	}
	session.refused = status
	return nil
}

// authenticate finds the session of the request's token, or the reply that
// refuses it; the simulator is locked.
func (s *Sim) authenticate(x *exchange) (*session, reply) {
	session, ok := s.sessions[x.param("X-Plex-Token")]
	switch {
	case !ok:
		return nil, refuse(codeNoUser)
	case session.refused != 0:
		refusal, known := refuseStatus(session.refused)
		if !known {
			refusal.status = session.refused
		}
		return nil, refusal
	}
	return session, reply{}
}

func (s *Sim) getUser(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, refusal := s.authenticate(x)
	if session == nil {
		return refusal
	}
	return reply{http.StatusOK, newUserDoc(session.user, x)}
}

func (s *Sim) signOut(x *exchange) reply {
	s.mu.Lock()
	session, refusal := s.authenticate(x)
	if session != nil {
		session.refused = http.StatusUnauthorized
	}
	s.mu.Unlock()
	if session == nil {
		return refusal
	}
	s.logf("%s signed out", session.user.Username)
	return reply{status: http.StatusNoContent}
}

// pong is the answer to a ping.
type pong struct {
	XMLName xml.Name `json:"-" xml:"pong"`
	Pong    bool     `json:"pong" xml:",chardata"`
}

func (s *Sim) ping(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, refusal := s.authenticate(x)
	if session == nil {
		return refusal
	}
	return reply{http.StatusOK, pong{Pong: true}}
}

// rememberFor is how far ahead rememberExpiresAt was in a captured answer.
const rememberFor = 14 * 24 * time.Hour
