// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"io"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"
)

// Options sets a simulator up. The zero value is what most tests want. Below the
// first group it is a list of things that are not known of plex.tv: a client
// should do well whichever way they are set.
type Options struct {
	// Clock is the time by which PINs and JWTs expire and delays pass. Nil is real
	// time.
	Clock clockwork.Clock
	// ClaimAfter, if positive, lets the first user claim every new PIN by itself
	// when so much time has passed.
	ClaimAfter time.Duration
	// Log gets a line for each new PIN, claim, sign-out, JWT and switch of users,
	// with codes and user names, never with a token or PIN id. Nil writes nothing.
	Log io.Writer
	// JWTLifetime is how long a Plex JWT is valid; 0 is the documented 7 days.
	JWTLifetime time.Duration

	// TokenOnce makes a claimed PIN show its token to one check and be gone (404,
	// code 1020) for every later one. By default the token is shown until the PIN
	// expires.
	TokenOnce bool
	// TokensLikeJWTs makes tokens that are bound to no device key look like JWTs.
	// By default they have 20 characters and no dot.
	TokensLikeJWTs bool
	// LegacyPin is what becomes of a PIN without a key of a client identifier that
	// has had a JWT. One client saw such sign-ins fail, not how.
	LegacyPin LegacyPin
	// PinRefusesKnownKey makes a PIN with a key fail (422) also if it is the key
	// that this very device has registered. By default only another device's is
	// refused; POST auth/jwk always refuses a key that is registered.
	PinRefusesKnownKey bool
	// KeyBody is the JSON body of the 201 that answers POST auth/jwk; empty by
	// default.
	KeyBody string

	// ExpiredStatus answers an expired JWT: 498 as documented, if 0, or 401 with
	// code 1001, which tells nothing of expiry.
	ExpiredStatus int
	// NoKeyStatus is the HTTP status of error 1097, 422 if 0.
	NoKeyStatus int
	// BareErrors leaves the body of 498 and of the 422s of device keys and device
	// JWTs empty. By default it has the form of plex.tv's other errors.
	BareErrors bool
	// FutureIssuedAt accepts a device JWT that says it was made in the future. By
	// default it is refused (422) if that is more than a minute off.
	FutureIssuedAt bool
	// SignOutKeepsKey leaves the device its key when it signs out with a JWT: it
	// can get a new JWT by itself. By default the key is gone (code 1097).
	SignOutKeepsKey bool

	// SwitchedLifetime is how long the token of a switched home user is good; 0 means
	// without end.
	SwitchedLifetime time.Duration
	// JWTKillsSwitched makes a new JWT of a device end also the tokens that the
	// device got by switching users. By default it ends only tokens from PINs.
	JWTKillsSwitched bool
	// LetInWithoutPIN lets a protected user in when no PIN is sent at all, which
	// was seen often; a wrong one is still refused. By default it is 403, code 1041.
	LetInWithoutPIN bool
	// OwnSwitchWithoutPIN does the same only for the user who asks.
	OwnSwitchWithoutPIN bool
	// SwitchLimit is how many switches a home may try within a minute before it
	// gets 429, code 1003; 0 is no limit.
	SwitchLimit int
	// ManagedMayNot lists what managed users (Restricted) are refused with 403,
	// code 1009. Nil is linking a PIN and registering a key.
	ManagedMayNot []Endpoint

	// ServersAcceptJWT makes media servers take an account's JWT, as Plex documents
	// it. By default they answer it 401, as they were seen to do.
	ServersAcceptJWT bool
}

// LegacyPin is what becomes of a PIN without a key of a client identifier that has
// had a JWT.
type LegacyPin int

// The ways to fail, and one not to.
const (
	LegacyPinRefused      LegacyPin = iota // requesting it is answered 422
	LegacyPinWithoutToken                  // it can be claimed, and no token comes
	LegacyPinWorks                         // it gives a legacy token
)

// withDefaults fills in what 0 stands for.
func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.JWTLifetime == 0 {
		o.JWTLifetime = JWTLifetime
	}
	if o.ExpiredStatus == 0 {
		o.ExpiredStatus = statusExpired
	}
	if o.NoKeyStatus == 0 {
		o.NoKeyStatus = http.StatusUnprocessableEntity
	}
	if o.ManagedMayNot == nil {
		o.ManagedMayNot = []Endpoint{LinkPin, RegisterKey}
	}
	return o
}
