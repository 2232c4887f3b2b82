package plextvsim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path"
	"strconv"
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
	token string // "" until claimed
}

func (p *pin) expired(now time.Time) bool { return !now.Before(p.ExpiresAt) }

// Pins returns all PINs that were requested, oldest first.
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
	return s.claimAs(code, func() (*User, error) { return s.holder(userToken) })
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

// claim ties the PIN to the user; the simulator is locked.
func (s *Sim) claim(code string, user *User) error {
	for _, p := range s.pins {
		if p.Code == code && p.token == "" && !p.expired(s.clock.Now()) {
			p.token = s.mint(user, "")
			p.ClaimedAt = s.clock.Now()
			return nil
		}
	}
	return ErrNoPin
}

// ExpirePin lets the PIN's time run out now. The error is [ErrNoPin].
func (s *Sim) ExpirePin(code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pins {
		if p.Code == canonical(code) && !p.expired(s.clock.Now()) {
			p.ExpiresAt = s.clock.Now()
			return nil
		}
	}
	return fmt.Errorf("expiring PIN %q: %w", code, ErrNoPin)
}

// canonical gives a code as it was issued: people type short ones in lower case.
func canonical(code string) string {
	if len(code) == 4 {
		return strings.ToUpper(code)
	}
	return code
}

func (s *Sim) requestPin(x *exchange) reply {
	s.mu.Lock()
	p := s.newPin(x)
	s.pins = append(s.pins, p)
	document := p.document(x)
	s.mu.Unlock()

	s.logf("PIN %s requested, valid for %v", p.Code, p.ExpiresAt.Sub(p.CreatedAt))
	if s.options.ClaimAfter > 0 {
		s.clock.AfterFunc(s.options.ClaimAfter, func() {
			_ = s.Claim(p.Code, "") // expired or claimed meanwhile is as good
		})
	}
	return reply{http.StatusCreated, document}
}

func (s *Sim) newPin(x *exchange) *pin {
	p := &pin{id: randomID(), Pin: Pin{
		Code:             randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 4),
		Strong:           x.truthy("strong"),
		ClientIdentifier: x.param("X-Plex-Client-Identifier"),
		Product:          x.param("X-Plex-Product"),
		CreatedAt:        x.now,
	}}
	p.ExpiresAt = p.CreatedAt.Add(WeakLifetime)
	if p.Strong {
		p.Code = randomText("abcdefghijklmnopqrstuvwxyz0123456789", 25)
		p.ExpiresAt = p.CreatedAt.Add(StrongLifetime)
	}
	if p.Product == "" {
		p.Product = "0" // as in the one sample seen
	}
	for _, other := range s.pins {
		if other.Code == p.Code || other.id == p.id {
			return s.newPin(x)
		}
	}
	return p
}

func (s *Sim) checkPin(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, client := path.Base(x.path), x.param("X-Plex-Client-Identifier")
	for _, p := range s.pins {
		if strconv.FormatInt(p.id, 10) == id && p.ClientIdentifier == client && s.readable(p, x.now) {
			if p.token != "" && p.TokenReadAt.IsZero() {
				p.TokenReadAt = x.now
			}
			return reply{http.StatusOK, p.document(x)}
		}
	}
	return refuse(codePinGone)
}

func (s *Sim) readable(p *pin, now time.Time) bool {
	spent := s.options.TokenOnce && !p.TokenReadAt.IsZero()
	return !spent && !p.expired(now)
}

func (s *Sim) linkPin(x *exchange) reply {
	s.mu.Lock()
	session, refusal := s.authenticate(x)
	var err error
	if session != nil {
		err = s.claim(x.param("code"), session.user)
	}
	s.mu.Unlock()
	switch {
	case session == nil:
		return refusal
	case err != nil:
		return refuse(codePinGone)
	}
	s.logf("PIN %s claimed by %s", x.param("code"), session.user.Username)
	return reply{status: http.StatusNoContent}
}

// pinDoc is a PIN on the wire.
type pinDoc struct {
	XMLName          xml.Name    `json:"-" xml:"pin"`
	ID               int64       `json:"id" xml:"id,attr"`
	Code             string      `json:"code" xml:"code,attr"`
	Product          string      `json:"product" xml:"product,attr"`
	Trusted          flag        `json:"trusted" xml:"trusted,attr"`
	QR               string      `json:"qr" xml:"qr,attr"`
	ClientIdentifier string      `json:"clientIdentifier" xml:"clientIdentifier,attr"`
	Location         locationDoc `json:"location" xml:"location"`
	ExpiresIn        int64       `json:"expiresIn" xml:"expiresIn,attr"`
	CreatedAt        stamp       `json:"createdAt" xml:"createdAt,attr"`
	ExpiresAt        stamp       `json:"expiresAt" xml:"expiresAt,attr"`
	AuthToken        nullable    `json:"authToken" xml:"authToken,attr"`
	NewRegistration  nullable    `json:"newRegistration" xml:"newRegistration,attr"`
}

// locationDoc is where plex.tv believes the household to be.
type locationDoc struct {
	Code              string `json:"code" xml:"code,attr"`
	EuropeanUnion     flag   `json:"european_union_member" xml:"european_union_member,attr"`
	Continent         string `json:"continent_code" xml:"continent_code,attr"`
	Country           string `json:"country" xml:"country,attr"`
	City              string `json:"city" xml:"city,attr"`
	TimeZone          string `json:"time_zone" xml:"time_zone,attr"`
	PostalCode        string `json:"postal_code" xml:"postal_code,attr"`
	RestrictedCountry flag   `json:"in_privacy_restricted_country" xml:"in_privacy_restricted_country,attr"`
	RestrictedRegion  flag   `json:"in_privacy_restricted_region" xml:"in_privacy_restricted_region,attr"`
	Subdivisions      string `json:"subdivisions" xml:"subdivisions,attr"`
	Coordinates       string `json:"coordinates" xml:"coordinates,attr"`
}

func (p *pin) document(x *exchange) pinDoc {
	remaining := p.ExpiresAt.Sub(x.now)
	return pinDoc{
		ID: p.id, Code: p.Code, Product: p.Product,
		QR:               "https://plex.tv/api/v2/pins/qr/" + p.Code,
		ClientIdentifier: p.ClientIdentifier,
		Location: locationDoc{
			Code: "PT", EuropeanUnion: true, Continent: "EU", Country: "Portugal", City: "Porto",
			TimeZone: "Europe/Lisbon", PostalCode: "4000", RestrictedCountry: true, RestrictedRegion: true,
			Subdivisions: "Porto", Coordinates: "41.1496, -8.611",
		},
		ExpiresIn: int64(math.Ceil(remaining.Seconds())),
		CreatedAt: stamp(p.CreatedAt.Add(x.skew)),
		ExpiresAt: stamp(p.ExpiresAt.Add(x.skew)),
		AuthToken: nullable(p.token),
	}
}
