// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// home is a Plex Home.
type home struct {
	id      int64
	members []*User // the admin first
}

// switchWindow is the time in which [Options.SwitchLimit] counts.
const switchWindow = time.Minute

// switchCount is how many switches were tried since a time.
type switchCount struct {
	since time.Time
	tried int
}

// AddHomeUser adds a user to the Plex Home of the person who holds adminToken, "" is
// the first user, and returns the user's UUID. It may be a managed user
// (Restricted), a guest, or an account of its own; a PIN protects it. Without
// Resources it sees the admin's media servers, each with a token of its own. The
// error says that the admin's token is nobody's or the PIN is not 4 digits.
func (s *Sim) AddHomeUser(adminToken string, user User) (uuid string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	admin, err := s.userOf(adminToken)
	if err == nil {
		err = checkPIN(user.PIN)
	}
	if err != nil {
		return "", fmt.Errorf("adding a user to a home: %w", err)
	}
	if admin.home == nil {
		admin.HomeAdmin = true
		admin.home = &home{id: 500000 + admin.ID, members: []*User{admin}}
	}
	if user.Resources == nil {
		user.Resources = admin.sharedServers()
	}
	user.home = admin.home
	added, _ := s.addUser(user)
	added.home.members = append(added.home.members, added)
	return added.UUID, nil
}

// SetPIN gives a user another PIN, or none with "". The error says that there is no
// such user or that the PIN is not 4 digits.
func (s *Sim) SetPIN(uuid, pin string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkPIN(pin); err != nil {
		return err
	}
	for _, user := range s.users {
		if user.UUID == uuid {
			user.PIN = pin
			return nil
		}
	}
	return fmt.Errorf("setting the PIN of %q: %w", uuid, errNoUser)
}

// RemoveHomeUser takes a user, who is not the admin, out of the home, whose admin
// has removed the user: the tokens of switches to that user end. The error says that
// there is no such user.
func (s *Sim) RemoveHomeUser(uuid string) error {
	return s.removeHomeUser(func(user *User) bool { return user.UUID == uuid })
}

func (s *Sim) removeHomeUser(meant func(*User) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range s.users {
		if !meant(user) || user.home == nil || user.home.members[0] == user {
			continue
		}
		user.home.members = slices.DeleteFunc(slices.Clone(user.home.members), func(u *User) bool { return u == user })
		user.home = nil
		for _, session := range s.sessions {
			if session.user == user && session.switched {
				session.refused = http.StatusUnauthorized
			}
		}
		return nil
	}
	return fmt.Errorf("removing a user from a home: %w", errNoUser)
}

// errNotPIN says that a PIN cannot be one.
var errNotPIN = errors.New("the PIN of a home user is 4 digits")

func checkPIN(pin string) error {
	if pin != "" && !isPIN(pin) {
		return errNotPIN
	}
	return nil
}

func isPIN(pin string) bool { return len(pin) == 4 && strings.Trim(pin, "0123456789") == "" }

// sharedServers are the user's own media servers as others in the home see them.
func (user *User) sharedServers() []Resource {
	shared := []Resource{}
	for _, resource := range user.Resources {
		if resource.Owned && resource.Provides == "server" {
			resource.Owned, resource.Home, resource.AccessToken = false, true, ""
			resource.SourceTitle, resource.OwnerID = user.Title, user.ID
			shared = append(shared, resource)
		}
	}
	return shared
}

// homeMembers are the users of the user's home, who is one of them.
func (user *User) homeMembers() []*User {
	if user.home == nil {
		return []*User{user}
	}
	return user.home.members
}

// hasPassword tells whether the user can sign in alone.
func (user *User) hasPassword() bool { return !user.Restricted && !user.Guest }

// tooMany counts a switch and tells whether it is one too many.
func (c *switchCount) tooMany(now time.Time, limit int) bool {
	if now.Sub(c.since) >= switchWindow {
		*c = switchCount{since: now}
	}
	c.tried++
	return limit > 0 && c.tried > limit
}

func (s *Sim) switchUser(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	uuid := path.Base(path.Dir(x.path))
	switched, refusal := s.switchTo(x, func(user *User) bool { return user.UUID == uuid })
	if switched == nil {
		return refusal
	}
	return reply{http.StatusCreated, newUserDoc(switched.user, switched.token, x)}
}

// switchTo gives who asks a token of the member of the home that is meant, or the
// reply that refuses it.
func (s *Sim) switchTo(x *exchange, meant func(*User) bool) (*session, reply) {
	from, to, refusal := s.whoSwitches(x, meant)
	if to == nil {
		return nil, refusal
	}
	switched := &session{user: to, switched: true}
	if s.options.SwitchedLifetime > 0 {
		switched.ends = x.plexTime().Add(s.options.SwitchedLifetime)
	}
	s.issue(switched)
	s.addSession(s.deviceOf(x.client(), from), switched)
	x.log = fmt.Sprintf("%s switched to %s", from.Username, to.Username)
	return switched, reply{}
}

// whoSwitches finds out who wants to be whom, or the reply that refuses it.
func (s *Sim) whoSwitches(x *exchange, meant func(*User) bool) (from, to *User, refusal reply) {
	session, refusal := s.authenticate(x)
	if session == nil {
		return nil, nil, refusal
	}
	from = session.user
	members := from.homeMembers()
	if members[0].switches.tooMany(x.now, s.options.SwitchLimit) {
		return nil, nil, refuse(codeTooMany)
	}
	for _, user := range members {
		if meant(user) {
			to = user
		}
	}
	if to == nil {
		return nil, nil, refuse(codeNotFound)
	}
	if code := s.judgePIN(x.param("pin"), from, to); code != 0 {
		return nil, nil, refuse(code)
	}
	return from, to, reply{}
}

// judgePIN returns plex.tv's error code for a PIN, 0 if it opens the door.
func (s *Sim) judgePIN(pin string, from, to *User) int {
	letIn := s.options.LetInWithoutPIN || s.options.OwnSwitchWithoutPIN && from == to
	switch {
	case pin != "" && !isPIN(pin):
		return codeNotPIN
	case pin == to.PIN, to.PIN == "", pin == "" && letIn:
		return 0
	}
	return codeNeedsPIN
}
