// SPDX-License-Identifier: Apache-2.0

package devicekey

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// maxKeySet bounds plex.tv's keys, in bytes. One key has about 150.
const maxKeySet = 64 << 10

// KeySet is plex.tv's public keys. The zero value holds none. It is immutable
// and safe for concurrent use.
type KeySet struct{ keys []jose.JSONWebKey }

// ParseKeySet reads {"keys":[…]}, which plex.tv answers with several keys in
// it. Keys that are not Ed25519 keys for signatures are passed over, as RFC
// 7517 asks for, but one must be left.
func ParseKeySet(data []byte) (KeySet, error) {
	if len(data) > maxKeySet {
		return KeySet{}, errors.New("plex.tv's keys: larger than 64 KiB")
	}
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(data, &document) != nil {
		return KeySet{}, errors.New("plex.tv's keys: not a JSON object with a list of keys")
	}
	var set KeySet
	for _, raw := range document.Keys {
		if key, ok := readKey(raw); ok {
			set.keys = append(set.keys, key)
		}
	}
	if len(set.keys) == 0 {
		return KeySet{}, errors.New("plex.tv's keys: no Ed25519 key for signatures among them")
	}
	return set, nil
}

// readKey looks at the kind of a key first: go-jose computes with whatever
// else it is given, for example a private RSA key.
func readKey(raw json.RawMessage) (jose.JSONWebKey, bool) {
	var kind struct {
		Type  string `json:"kty"`
		Curve string `json:"crv"`
	}
	var key jose.JSONWebKey
	if json.Unmarshal(raw, &kind) != nil || kind.Type != "OKP" || kind.Curve != "Ed25519" || key.UnmarshalJSON(raw) != nil {
		return key, false
	}
	_, public := key.Key.(ed25519.PublicKey)
	forSignatures := (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == string(jose.EdDSA))
	return key, public && forSignatures
}

// candidates returns the keys that may have made a signature with this key id,
// and whether one says that it is the one. RFC 7517 lets a key have no id.
func (s KeySet) candidates(kid string) (keys []jose.JSONWebKey, named bool) {
	for _, key := range s.keys {
		if key.KeyID == kid || key.KeyID == "" {
			keys = append(keys, key)
			named = named || key.KeyID == kid
		}
	}
	return keys, named
}
