// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ErrNoToken says that a token was never given out.
var ErrNoToken = errors.New("no such token")

// session is what a token stands for.
type session struct {
	token    string
	user     *User
	device   *device   // nil for a token from [Sim.AddUser]
	jwt      bool      // not kept: made again from each JWT
	switched bool      // from a switch of users
	ends     time.Time // zero: never
	refused  int       // the status with which plex.tv answers the token, 0 while it is good
}

// issue gives the session a token, if it has none yet, and returns it.
func (s *Sim) issue(session *session) string {
	if s.options.TokensLikeJWTs {
		fill(&session.token, "eyJ"+randomText(tokenAlphabet, 17)+"."+randomText(tokenAlphabet, 20)+"."+randomText(tokenAlphabet, 20))
	}
	fill(&session.token, randomText(tokenAlphabet, 20))
	s.sessions[session.token] = session
	return session.token
}

// Revoke makes plex.tv answer the token with 401 and code 1001, as after the
// device was removed from the account; a device's key stays good. The error is
// [ErrNoToken].
func (s *Sim) Revoke(token string) error { return s.Refuse(token, http.StatusUnauthorized) }

// Refuse makes plex.tv answer the token or JWT with an HTTP status and its usual
// error for it: 401 (revoked), 403 (not allowed), 422 ("Invalid token"). Status 0
// makes the token good again. The error is [ErrNoToken].
func (s *Sim) Refuse(token string, status int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, ok := s.sessions[token]; ok {
		session.refused = status
		return nil
	}
	if _, ok := s.verifyJWT(token, s.clock.Now()); ok {
		s.refusedJWTs[token] = status
		return nil
	}
	return fmt.Errorf("refusing a token: %w", ErrNoToken)
}

// authenticate finds the session of the request's token, or the reply that
// refuses it; the simulator is locked.
func (s *Sim) authenticate(x *exchange) (*session, reply) {
	session, refusal := s.sessionOf(x.param("X-Plex-Token"), x.plexTime())
	if session != nil && session.device != nil && session.device.client == x.client() {
		session.device.about = x.about()
	}
	if session != nil && session.user.Restricted && slices.Contains(s.options.ManagedMayNot, x.endpoint) {
		return nil, refuse(codeManaged)
	}
	return session, refusal
}

// sessionOf finds the session of a token that is good, or the reply that refuses it.
func (s *Sim) sessionOf(token string, now time.Time) (*session, reply) {
	session, refusal := s.sessions[token], refuse(codeNoUser)
	if session == nil && looksLikeJWT(token) {
		session, refusal = s.sessionOfJWT(token, now)
	}
	switch {
	case session == nil:
		return nil, refusal
	case !session.ends.IsZero() && !now.Before(session.ends):
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

func (s *Sim) signOut(x *exchange, session *session) reply {
	s.end(session)
	x.log = session.user.Username + " signed out"
	return reply{status: http.StatusNoContent}
}

// end makes the token good for nothing; with a JWT, that goes for all that its
// device has.
func (s *Sim) end(session *session) {
	switch {
	case !session.jwt:
		session.refused = http.StatusUnauthorized
	case s.options.SignOutKeepsKey:
		session.device.gone = session.device.issued
	default:
		s.remove(session.device)
	}
}

// pong is the answer to a ping.
type pong struct {
	XMLName xml.Name `json:"-" xml:"pong"`
	Pong    bool     `json:"pong" xml:",chardata"`
}

func (s *Sim) ping(x *exchange, session *session) reply {
	return reply{http.StatusOK, pong{Pong: true}}
}
