// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// How the text of a secret begins in the file unless it is in clear text.
const (
	mark     = "sealed:"
	sealedV1 = mark + "v1:"   // AES-256-GCM with its nonce in front, in base64url
	unsealed = mark + "none:" // a plain secret that begins like mark itself
)

// secretOf is a secret of a state with the full name of its key.
type secretOf struct {
	name string
	at   *secret.String
}

// secrets are the secrets of s, in the order of the file.
func secrets(s *State) (list []secretOf) {
	for _, sec := range layout(s) {
		for _, f := range sec.fields {
			if at, ok := f.at.(*secret.String); ok {
				list = append(list, secretOf{sec.path(f).String(), at})
			}
		}
	}
	return list
}

// open returns s, as the file holds it, with its secrets in plain text. bare
// tells that the file shows one although there is a key.
func (k Key) open(s State) (plain State, bare bool, err error) {
	plain = s.normalised()
	for _, one := range secrets(&plain) {
		text, sealed, err := k.openText(one.name, s.ClientID, one.at.Reveal())
		if err != nil {
			return State{ClientID: s.ClientID}, false, fmt.Errorf("%s: %w", one.name, err)
		}
		bare = bare || k.aead != nil && !sealed && text != ""
		*one.at = secret.New(text)
	}
	return plain, bare, nil
}

// seal returns s with its secrets as the file is to hold them. Sealing twice
// never gives the same text, so what old, as the file held it, has sealed
// already stays: an unchanged state is not written again.
func (k Key) seal(s, old State) State {
	s = s.normalised()
	var had []secretOf
	if k.aead != nil {
		had = secrets(&old)
	}
	for _, one := range secrets(&s) {
		sealed := secret.String{}
		for _, before := range had {
			if before.name == one.name && k.holds(*before.at, *one.at, one.name, s.ClientID) {
				sealed = *before.at
			}
		}
		if sealed.IsZero() {
			sealed = secret.New(k.sealText(one.name, s.ClientID, one.at.Reveal()))
		}
		*one.at = sealed
	}
	return s
}

// holds tells whether sealed is plain, sealed.
func (k Key) holds(sealed, plain secret.String, name, clientID string) bool {
	text, ok, err := k.openText(name, clientID, sealed.Reveal())
	return err == nil && ok && plain.Equal(secret.New(text))
}

// openText is the reverse of sealText and takes a plain text as it is.
func (k Key) openText(name, clientID, text string) (plain string, sealed bool, err error) {
	if !strings.HasPrefix(text, mark) {
		return text, false, nil
	}
	if rest, ok := strings.CutPrefix(text, unsealed); ok {
		return rest, false, nil
	}
	encoded, ok := strings.CutPrefix(text, sealedV1)
	switch {
	case !ok:
		return "", false, errors.New("it is sealed in a way that this version does not know")
	case k.aead == nil:
		return "", false, errors.New("there is no key")
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err == nil {
		data, err = (*k.aead).Open(nil, nil, data, place(name, clientID))
	}
	if err != nil {
		return "", false, errors.New("the key is not the one it was sealed with, or it was altered or belongs elsewhere")
	}
	return string(data), true, nil
}

// sealText is how the file holds a secret. An empty one hides nothing.
func (k Key) sealText(name, clientID, plain string) string {
	switch {
	case plain == "":
		return ""
	case k.aead != nil:
		data := (*k.aead).Seal(nil, nil, []byte(plain), place(name, clientID))
		return sealedV1 + base64.RawURLEncoding.EncodeToString(data)
	case strings.HasPrefix(plain, mark):
		return unsealed + plain
	}
	return plain
}

// place binds a sealed value to its key in the file and to the box: it cannot
// be read in another place.
func place(name, clientID string) []byte { return []byte(name + "\x00" + clientID) }

// hide seals what old may show, and removes copies that may show it. bareServers
// tells that the file of the media servers does.
func (f *File) hide(old document, bareServers bool) error {
	copies, err := bareCopies(f.path)
	if err == nil {
		err = removeAll(copies)
	}
	if err == nil && bareServers {
		err = f.servers.remove() // which needs no space
	}
	switch {
	case err != nil:
		return f.failed("remove old copy", f.path, err)
	case old.bare:
		return f.write(old, old.plain)
	case bareServers:
		f.servers.put(old.plain, old.plain.Servers)
	}
	return nil
}

// bareCopies lists the copies of the file at path in which nothing is sealed.
func bareCopies(path string) ([]string, error) {
	copies, err := corruptCopies(path)
	return slices.DeleteFunc(append(copies, path+original), func(name string) bool {
		data, err := readFile(name)
		return err != nil || bytes.Contains(data, []byte(sealedV1))
	}), err
}

// IsSealed tells without a key whether the state file at path has secrets that
// only a key opens. No file has none.
func IsSealed(path string) (bool, error) {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return isSealed(string(data)), err
}

func isSealed(text string) bool { return strings.Contains(text, `"`+sealedV1) }
