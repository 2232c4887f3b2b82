// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strconv"
	"time"
)

// pinOrder is what a client wants of a new PIN. The JSON body is that of a client
// with a device key; otherwise strong is an argument.
type pinOrder struct {
	Strong bool            `json:"strong"`
	JWK    json.RawMessage `json:"jwk"`
}

func (s *Sim) requestPin(x *exchange) reply {
	order := pinOrder{Strong: x.truthy("strong")}
	var key *deviceKey
	err := x.decode(&order)
	if err == nil && order.JWK != nil {
		key, err = parseKey(order.JWK)
	}
	if err != nil && !errors.Is(err, errNoJSON) {
		return refuse(codeMalformed)
	}
	s.mu.Lock()
	if refusal, refused := s.refusePin(x.client(), key); refused {
		s.mu.Unlock()
		return refusal
	}
	p := s.newPin(x, order.Strong, key)
	document := p.document("", x)
	s.mu.Unlock()

	s.logf("PIN %s requested, valid for %v", p.Code, p.ExpiresAt.Sub(p.CreatedAt))
	if s.options.ClaimAfter > 0 {
		s.clock.AfterFunc(s.options.ClaimAfter, func() {
			_ = s.Claim(p.Code, "") // expired or claimed meanwhile is as good
		})
	}
	return reply{http.StatusCreated, document}
}

// refusePin tells whether the client cannot have a PIN with that key, nil for none.
func (s *Sim) refusePin(client string, key *deviceKey) (refusal reply, refused bool) {
	d := s.devices[client]
	if key == nil {
		converted := d != nil && d.issued > 0
		return s.unprocessable("Device signs in with its key"), converted && s.options.LegacyPin == LegacyPinRefused
	}
	owner := s.keyOwner(key)
	taken := owner != nil && (owner != d || s.options.PinRefusesKnownKey)
	return s.thumbprintTaken(), taken
}

func (s *Sim) newPin(x *exchange, strong bool, key *deviceKey) *pin {
	p := &pin{id: randomID(), key: key, Pin: Pin{
		Code:             randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 4),
		Strong:           strong,
		ClientIdentifier: x.client(),
		Product:          x.param("X-Plex-Product"),
		CreatedAt:        x.now,
		ExpiresAt:        x.now.Add(WeakLifetime),
	}}
	if strong {
		p.Code = randomText("abcdefghijklmnopqrstuvwxyz0123456789", 25)
		p.ExpiresAt = p.CreatedAt.Add(StrongLifetime)
	}
	if p.Product == "" {
		p.Product = "0" // as in the one sample seen
	}
	if s.pinsByCode[p.Code] != nil || s.pinsByID[p.id] != nil {
		return s.newPin(x, strong, key)
	}
	s.pins = append(s.pins, p)
	s.pinsByCode[p.Code], s.pinsByID[p.id] = p, p
	s.forgetPins(x.now)
	return p
}

func (s *Sim) forgetPins(now time.Time) {
	for len(s.pins) > keptPins && s.pins[0].expired(now) {
		delete(s.pinsByCode, s.pins[0].Code)
		delete(s.pinsByID, s.pins[0].id)
		s.pins[0] = nil // the array below lives on
		s.pins = s.pins[1:]
	}
}

func (s *Sim) checkPin(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(path.Base(x.path), 10, 64) // 0 is no PIN's
	p := s.pinsByID[id]
	if p == nil || p.ClientIdentifier != x.client() || !s.readable(p, x.now) {
		return refuse(codePinGone)
	}
	token := p.token
	if p.key != nil {
		var refusal reply
		var refused bool
		if token, refusal, refused = s.jwtForPin(x, p); refused {
			return refusal
		}
	}
	if token != "" && p.TokenReadAt.IsZero() {
		p.TokenReadAt = x.now
	}
	return reply{http.StatusOK, p.document(token, x)}
}

// jwtForPin gives the Plex JWT for a PIN with a key to who proves to have the key;
// there is none yet before the PIN is claimed, and none without a proof.
func (s *Sim) jwtForPin(x *exchange, p *pin) (token string, refusal reply, refused bool) {
	text := x.param("deviceJWT")
	if text == "" {
		return "", reply{}, false
	}
	jwt, err := parseJWT(text)
	if err != nil {
		return "", s.badSignature(), true
	}
	if refusal, refused := s.refuseDeviceJWT(x, jwt, p.key); refused || p.ClaimedAt.IsZero() {
		return "", refusal, refused
	}
	if p.token == "" {
		d := s.devices[p.ClientIdentifier]
		if d.key != p.key { // removed meanwhile
			return "", s.noKey(), true
		}
		p.token = s.issueJWT(d, x)
	}
	return p.token, reply{}, false
}

func (s *Sim) readable(p *pin, now time.Time) bool {
	spent := s.options.TokenOnce && !p.TokenReadAt.IsZero()
	return !spent && !p.expired(now)
}
