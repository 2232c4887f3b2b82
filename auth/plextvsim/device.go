// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ErrNoDevice says that no device with such a client identifier has signed in.
var ErrNoDevice = errors.New("no such device")

// device is what plex.tv lists as an authorized device: a client identifier that
// has signed in.
type device struct {
	id        int64 // its number in the list of devices
	about     about
	client    string
	user      *User // who signed in last
	key       *deviceKey
	sessions  []*session // of opaque tokens, oldest first
	issued    int64      // how many JWTs, each numbered by its jti; they are not kept
	gone      int64      // JWTs up to this number ended with a sign-out or a removal
	refused   int        // the status with which JWTs up to refusedTo are answered
	refusedTo int64
}

// keptSessions bounds the tokens that are remembered of one device.
const keptSessions = 100

// deviceOf returns the device of a client identifier, a new one of the user's if
// there is none; the simulator is locked.
func (s *Sim) deviceOf(client string, user *User) *device {
	d, known := s.devices[client]
	if !known {
		d = &device{id: int64(len(s.devices)) + 1, client: client, user: user}
		s.devices[client] = d
	}
	return d
}

// addSession gives the device another opaque token.
func (s *Sim) addSession(d *device, session *session) {
	session.device = d
	d.sessions = append(d.sessions, session)
	for len(d.sessions) > keptSessions {
		delete(s.sessions, d.sessions[0].token)
		d.sessions = d.sessions[1:]
	}
}

// endSessions forgets those tokens of the device that match.
func (s *Sim) endSessions(d *device, match func(*session) bool) {
	kept := make([]*session, 0, len(d.sessions))
	for _, session := range d.sessions {
		if match(session) {
			delete(s.sessions, session.token)
		} else {
			kept = append(kept, session)
		}
	}
	d.sessions = kept
}

// bindKey makes the key the device's only one.
func (s *Sim) bindKey(d *device, key *deviceKey) {
	s.dropKey(d)
	d.key = key
	s.keyOwners[key.id], s.keyOwners[key.thumbprint] = d, d
}

func (s *Sim) dropKey(d *device) {
	if d.key != nil {
		delete(s.keyOwners, d.key.id)
		delete(s.keyOwners, d.key.thumbprint)
	}
	d.key = nil
}

// keyOwner returns the device that has registered the key, nil if none has.
func (s *Sim) keyOwner(key *deviceKey) *device {
	if owner := s.keyOwners[key.thumbprint]; owner != nil {
		return owner
	}
	return s.keyOwners[key.id]
}

// RemoveDevice removes a device as a person does under Authorized Devices: its
// tokens and JWTs are answered 401 and its key is forgotten, so a refresh fails
// with code 1097, until somebody signs the device in again. The error is
// [ErrNoDevice].
func (s *Sim) RemoveDevice(clientID string) error {
	s.mu.Lock()
	d, known := s.devices[clientID]
	if known {
		s.remove(d)
	}
	s.mu.Unlock()
	if !known {
		return fmt.Errorf("removing %q: %w", clientID, ErrNoDevice)
	}
	s.logf("a device was removed")
	return nil
}

func (s *Sim) remove(d *device) {
	s.endSessions(d, func(*session) bool { return true })
	s.dropKey(d)
	d.gone = d.issued
}

// refusal is the status with which the JWT of that number is answered, 0 while it
// is good.
func (d *device) refusal(number int64) int {
	switch {
	case number <= d.gone:
		return http.StatusUnauthorized
	case number <= d.refusedTo:
		return d.refused
	}
	return 0
}

// issueJWT gives the device a Plex JWT, which ends its tokens from PINs for good.
func (s *Sim) issueJWT(d *device, x *exchange) string {
	s.endSessions(d, func(session *session) bool { return !session.switched || s.options.JWTKillsSwitched })
	d.issued++
	x.log = fmt.Sprintf("a device of %s has a JWT, valid for %v", d.user.Username, s.options.JWTLifetime)
	return s.signJWT(map[string]any{
		"iss":        issuer,
		"aud":        []string{issuer, d.client},
		"iat":        x.plexTime().Unix(),
		"exp":        x.plexTime().Add(s.options.JWTLifetime).Unix(),
		"jti":        strconv.FormatInt(d.issued, 10),
		"thumbprint": d.key.id,
		"user":       map[string]any{"id": d.user.ID},
	})
}

// sessionOfJWT finds what a Plex JWT stands for, or the reply that refuses it.
func (s *Sim) sessionOfJWT(text string, now time.Time) (*session, reply) {
	jwt, ok := s.verifyJWT(text, now)
	if !ok || len(jwt.claims.Audience) != 2 {
		return nil, refuse(codeNoUser)
	}
	if jwt.claims.Expires == nil || !before(now, *jwt.claims.Expires) {
		return nil, s.expired()
	}
	d := s.devices[jwt.claims.Audience[1]]
	number, err := strconv.ParseInt(jwt.claims.ID, 10, 64)
	if d == nil || err != nil || d.user.ID != jwt.claims.User.ID {
		return nil, refuse(codeNoUser)
	}
	status := d.refusal(number)
	if own, refused := s.refusedJWTs[text]; refused {
		status = own
	}
	return &session{token: text, user: d.user, device: d, jwt: true, refused: status}, reply{}
}
