// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// keySize is the length of a key of AES-256 in bytes.
const keySize = 32

// Key seals the secrets in a state file; see [OpenSealed]. The zero Key seals
// nothing. A Key prints without what it is made of and is safe for concurrent
// use.
type Key struct {
	// AES-256-GCM of the standard library, which makes a new nonce for each
	// value and keeps it in front of it. A pointer to the interface, because
	// fmt prints what is behind any other, round keys and all, but of this the
	// address. Nil for the zero Key.
	aead   *cipher.AEAD
	settle func() error // nil: nothing to do; see Settled
}

// Settled returns the key with a function that makes it outlive a power cut, as far as
// it is not known to do so. It is called before the first secret of a file is sealed;
// if it fails, the file stays as it is.
func (k Key) Settled(settle func() error) Key {
	k.settle = settle
	return k
}

// ParseKey reads a key of 32 bytes in any form that an administrator may have
// made it in: the bytes themselves, 64 hex digits, or 44 characters of base64
// in its standard alphabet. A newline may follow. Errors tell the length of
// text and nothing else of it.
func ParseKey(text secret.String) (Key, error) {
	raw, err := decodeKey(text.Reveal())
	if err != nil {
		return Key{}, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, fmt.Errorf("making the cipher of the key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Key{}, fmt.Errorf("making the cipher of the key: %w", err)
	}
	return Key{aead: &aead}, nil
}

// decodeKey looks at the length first: the last of 32 bytes may be a newline.
func decodeKey(text string) ([]byte, error) {
	if len(text) == keySize {
		return []byte(text), nil
	}
	line := strings.TrimSuffix(text, "\n")
	var raw []byte
	var err error
	switch len(line) {
	case keySize:
		raw = []byte(line)
	case hex.EncodedLen(keySize):
		raw, err = hex.DecodeString(line)
	case base64.StdEncoding.EncodedLen(keySize):
		raw, err = base64.StdEncoding.DecodeString(line)
	}
	if err != nil || len(raw) != keySize {
		// The decoders' own errors quote what they do not take.
		return nil, fmt.Errorf("%d bytes are not a key: a key is %d bytes as they are, 64 hex digits or 44 characters of base64",
			len(text), keySize)
	}
	return raw, nil
}
