// SPDX-License-Identifier: Apache-2.0

package devicekey

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// maxToken bounds a token, in bytes. Those of plex.tv have about 1,000.
const maxToken = 8 << 10

// endOfTime is the last second that RFC 3339 can express, 9999-12-31T23:59:59Z.
const endOfTime = 253402300799

// ErrUnknownKey is in the error of [Verify] if none of the keys has the id that
// the token names: plex.tv may have changed its keys, so fetch them again, once.
var ErrUnknownKey = errors.New("signed with a key that plex.tv has not shown")

// Expect is what a token must match.
type Expect struct {
	// ClientID and Thumbprint are the installation's client identifier and its
	// [Key.ID].
	ClientID, Thumbprint string
	// Now is plex.tv's time as far as it is known, Leeway how far in the future
	// the token's beginning may seem to be.
	Now    time.Time
	Leeway time.Duration
}

// Claims is what a good token says.
type Claims struct {
	ExpiresAt time.Time
	IssuedAt  time.Time // zero if it does not say
	// UserID is plex.tv's number of the account, "" if the token does not
	// say: Plex documents no claim for it, user.id is what tokens have.
	UserID string
}

// Verify checks a token of plex.tv: at most 8 KiB, signed with EdDSA by one of
// keys, by and for plex.tv, for this client and this key, and in its time. The
// signature counts first, nothing else is believed without it. Errors say what
// is wrong and quote nothing of the token.
func Verify(token secret.String, keys KeySet, want Expect) (Claims, error) {
	payload, err := open(token.Reveal(), keys)
	if err != nil {
		return Claims{}, fmt.Errorf("plex.tv's token: %w", err)
	}
	var body body
	if json.Unmarshal(payload, &body) != nil {
		return Claims{}, errors.New("plex.tv's token: its claims cannot be read")
	}
	if err := body.fits(want); err != nil {
		return Claims{}, fmt.Errorf("plex.tv's token: %w", err)
	}
	claims, err := body.inTime(want.Now, want.Leeway)
	if err != nil {
		return Claims{}, fmt.Errorf("plex.tv's token: %w", err)
	}
	claims.UserID = body.userID()
	return claims, nil
}

// open returns the payload of a token that is signed with one of keys. The
// texts of go-jose's errors are not used, they quote headers.
func open(text string, keys KeySet) ([]byte, error) {
	if len(text) > maxToken {
		return nil, errors.New("longer than 8 KiB")
	}
	// go-jose's decoder would skip line breaks.
	if strings.ContainsFunc(text, notInToken) {
		return nil, errors.New("not a signed token")
	}
	// The list of one algorithm refuses "none", and HMACs with a public key.
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &algorithm):
		return nil, errors.New("not signed with EdDSA")
	case err != nil:
		return nil, errors.New("not a signed token")
	}
	header := signed.Signatures[0].Protected
	if header.KeyID == "" {
		return nil, errors.New("does not name the key it is signed with")
	}
	candidates, named := keys.candidates(header.KeyID)
	for _, key := range candidates {
		if payload, err := signed.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	if !named {
		return nil, ErrUnknownKey
	}
	return nil, errors.New("its signature is wrong")
}

func notInToken(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.')
}

// body is the claims as they are in a token.
type body struct {
	Issuer     string          `json:"iss"`
	Audience   []string        `json:"aud"`
	Thumbprint string          `json:"thumbprint"`
	Expires    *float64        `json:"exp"`
	Issued     *float64        `json:"iat"`
	NotBefore  *float64        `json:"nbf"`
	User       json.RawMessage `json:"user"`
}

func (b body) fits(want Expect) error {
	switch {
	case b.Issuer != plexTV:
		return errors.New("not issued by plex.tv")
	case !slices.Contains(b.Audience, plexTV):
		return errors.New("not meant for plex.tv")
	case want.ClientID == "" || !slices.Contains(b.Audience, want.ClientID):
		return errors.New("not meant for this client identifier")
	case want.Thumbprint == "" || b.Thumbprint != want.Thumbprint:
		return errors.New("not bound to this device key")
	}
	return nil
}

func (b body) inTime(now time.Time, leeway time.Duration) (Claims, error) {
	expires, ok := date(b.Expires)
	if !ok {
		return Claims{}, errors.New("does not say when it expires")
	}
	if !now.Before(expires) { // to the second: it would be of no use
		return Claims{}, fmt.Errorf("expired at %s", expires.Format(time.RFC3339))
	}
	for _, start := range []*float64{b.NotBefore, b.Issued} {
		begins, ok := date(start)
		if start != nil && !ok {
			return Claims{}, errors.New("has an invalid time")
		}
		if start != nil && begins.After(now.Add(leeway)) {
			return Claims{}, fmt.Errorf("not valid before %s", begins.Format(time.RFC3339))
		}
	}
	issued, _ := date(b.Issued)
	return Claims{ExpiresAt: expires, IssuedAt: issued}, nil
}

// date reads a NumericDate (RFC 7519), within what a state file can keep.
func date(seconds *float64) (time.Time, bool) {
	if seconds == nil || *seconds < 1 || *seconds > endOfTime {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0).UTC(), true
}

// userID takes a number or a text of digits and is content without.
func (b body) userID() string {
	var user struct {
		ID json.Number `json:"id"`
	}
	if json.Unmarshal(b.User, &user) != nil || len(user.ID) > 20 {
		return ""
	}
	for _, r := range user.ID {
		if r < '0' || r > '9' {
			return ""
		}
	}
	return user.ID.String()
}
