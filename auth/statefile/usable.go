// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"cmp"
	"fmt"

	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// usable returns the part of s that the daemon can use; its secrets are open.
//
// With an error the device key is half-written: plex.tv would never again take
// the client id that it belongs to, nor what was asked for with both. What is
// left then is the account, to tell whose sign-in has to be renewed, and the
// count of wrong home PINs.
//
// A pairing with such a key is no error. It is dropped, as nothing is lost
// that a new PIN does not bring back.
func (s State) usable() (State, error) {
	if err := s.DeviceKey.check(); err != nil {
		return State{Auth: cmp.Or(s.Owner, s.Auth), HomePin: s.HomePin}, err
	}
	if s.Pairing.check() != nil {
		s.Pairing = nil
	}
	for i, p := range s.GivenUp {
		if p.check() != nil {
			s.GivenUp[i] = nil
		}
	}
	if s.Away.DeviceKey.check() != nil {
		s.Away = Away{}
	}
	return s, nil
}

// checkKeys tells whether a later Load would find the keys in s usable.
func (s State) checkKeys() error {
	err := cmp.Or(s.DeviceKey.check(), s.Pairing.check(), s.Away.DeviceKey.check())
	for _, p := range s.GivenUp {
		err = cmp.Or(err, p.check())
	}
	return err
}

func (k *DeviceKey) check() error {
	if k == nil {
		return nil
	}
	return checkPair(deviceKeyTable, k.Kid, k.PrivateKey)
}

func (p *Pairing) check() error {
	if p == nil || p.Kid == "" && p.PrivateKey.IsZero() {
		return nil
	}
	return checkPair(pairingTable, p.Kid, p.PrivateKey)
}

func checkPair(table, kid string, privateKey secret.String) error {
	if _, err := devicekey.Restore(kid, privateKey); err != nil {
		return fmt.Errorf("the key in %s is half-written or damaged: %w", table, err)
	}
	return nil
}
