// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// How long plex.tv keeps a PIN, as seen in captured answers.
const (
	WeakLifetime   = 900 * time.Second  // 4 characters, to be typed at plex.tv/link
	StrongLifetime = 1800 * time.Second // 25 characters, for app.plex.tv/auth
)

// ErrNoPin says that there is no PIN with such a code that could still be claimed.
var ErrNoPin = errors.New("no such PIN, or it has expired or been claimed")

// Pin is what a test may know of a PIN.
type Pin struct {
	Code             string
	Strong           bool
	ClientIdentifier string
	Product          string
	CreatedAt        time.Time
	ExpiresAt        time.Time
	ClaimedAt        time.Time // zero until claimed
	TokenReadAt      time.Time // when a check was first answered with the token; zero until then
}

// pin is a PIN with its secrets.
type pin struct {
	Pin
	id    int64
	token string     // what a check shows once it is claimed
	key   *deviceKey // nil for a PIN that gives a legacy token
}

func (p *pin) expired(now time.Time) bool { return !now.Before(p.ExpiresAt) }

// keptPins bounds what is remembered of PINs that have expired.
const keptPins = 10_000

// Pins returns the PINs that were requested, oldest first: the last 10,000, and
// all that have not expired.
func (s *Sim) Pins() []Pin {
	s.mu.Lock()
	defer s.mu.Unlock()
	pins := make([]Pin, 0, len(s.pins))
	for _, p := range s.pins {
		pins = append(pins, p.Pin)
	}
	return pins
}

// Claim enters a code at plex.tv/link, or confirms a strong code, as the user who
// holds userToken; "" is the first user, who is made up if there is none. Upper
// and lower case are the same in a short code. The error is [ErrNoPin] or says
// that the token is nobody's.
func (s *Sim) Claim(code, userToken string) error {
	return s.claimAs(code, func() (*User, error) { return s.userOf(userToken) })
}

// claimAs claims the PIN for the user that find returns from the locked simulator.
func (s *Sim) claimAs(code string, find func() (*User, error)) error {
	s.mu.Lock()
	user, err := find()
	if err == nil {
		err = s.claim(canonical(code), user)
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("claiming PIN %q: %w", code, err)
	}
	s.logf("PIN %s claimed by %s", canonical(code), user.Username)
	return nil
}

// claim ties the PIN and its device to the user; the simulator is locked.
func (s *Sim) claim(code string, user *User) error {
	p, now := s.pinsByCode[code], s.clock.Now()
	if p == nil || !p.ClaimedAt.IsZero() || p.expired(now) {
		return ErrNoPin
	}
	p.ClaimedAt = now
	d := s.deviceOf(p.ClientIdentifier, user)
	d.user = user
	switch {
	case p.key != nil:
		s.bindKey(d, p.key)
	case d.issued == 0 || s.options.LegacyPin == LegacyPinWorks:
		session := &session{user: user}
		p.token = s.issue(session)
		s.addSession(d, session)
	}
	return nil
}

// ExpirePin lets the PIN's time run out now. The error is [ErrNoPin].
func (s *Sim) ExpirePin(code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pinsByCode[canonical(code)]
	if p == nil || p.expired(s.clock.Now()) {
		return fmt.Errorf("expiring PIN %q: %w", code, ErrNoPin)
	}
	p.ExpiresAt = s.clock.Now()
	return nil
}

// canonical gives a code as it was issued: people type short ones in lower case.
func canonical(code string) string {
	if len(code) == 4 {
		return strings.ToUpper(code)
	}
	return code
}

func (s *Sim) linkPin(x *exchange, session *session) reply {
	code := x.param("code")
	if err := s.claim(code, session.user); err != nil {
		return refuse(codePinGone)
	}
	x.log = fmt.Sprintf("PIN %s claimed by %s", code, session.user.Username)
	return reply{status: http.StatusNoContent}
}
