// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"time"
)

func (s *Sim) removeDeviceCommand(a *arguments) (string, error) {
	client, name := a.text("client"), a.text("user")
	if err := a.check(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := 0
	for _, d := range s.devices {
		if (client == "" || d.client == client) && (name == "" || d.user.Username == name) {
			s.remove(d)
			removed++
		}
	}
	if removed == 0 {
		return "", ErrNoDevice
	}
	return fmt.Sprintf("%d devices removed", removed), nil
}

func (s *Sim) homeUserCommand(a *arguments) (string, error) {
	user := User{
		Username: a.text("user"), PIN: a.text("pin"),
		Restricted: a.truth("restricted"), Guest: a.truth("guest"),
	}
	if err := a.check(); err != nil {
		return "", err
	}
	if user.Username == "" {
		return "", errors.New("user: say who")
	}
	_, err := s.AddHomeUser("", user)
	return "added " + user.Username, err
}

func (s *Sim) removeHomeUserCommand(a *arguments) (string, error) {
	name := a.text("user")
	if err := a.check(); err != nil {
		return "", err
	}
	return "removed " + name, s.removeHomeUser(func(user *User) bool { return user.Username == name })
}

func (s *Sim) passwordCommand(a *arguments) (string, error) {
	name, password, code := a.text("user"), a.text("password"), a.text("verification-code")
	if err := a.check(); err != nil {
		return "", err
	}
	if password == "" {
		return "", errors.New("password: say which")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	user, err := s.userNamed(name)
	if err != nil {
		return "", err
	}
	user.Password, user.VerificationCode, user.wrongPasswords = password, code, 0
	return user.Username + " may sign in with a password", nil
}

func (s *Sim) jwtLifetimeCommand(a *arguments) (string, error) {
	lifetime := a.duration("lifetime")
	if err := a.check(); err != nil {
		return "", err
	}
	if lifetime < time.Second {
		return "", fmt.Errorf("lifetime: %v is too short for a JWT, which counts seconds", lifetime)
	}
	s.SetJWTLifetime(lifetime)
	return fmt.Sprint("new JWTs are valid for ", lifetime), nil
}

func (s *Sim) nextJWTCommand(a *arguments) (string, error) {
	bad := a.text("bad")
	change, known := BadJWTs()[bad]
	if err := a.check(); err != nil {
		return "", err
	}
	if !known {
		return "", fmt.Errorf("bad: %q does not fit", bad)
	}
	s.NextJWT(change)
	return "the next JWT is bad: " + bad, nil
}

func (s *Sim) rotateKeysCommand(a *arguments) (string, error) {
	fates := map[string]OldKeys{"": OldKeysListed, "listed": OldKeysListed, "hidden": OldKeysHidden, "dropped": OldKeysDropped}
	old, known := fates[a.text("old")]
	if err := a.check(); err != nil {
		return "", err
	}
	if !known {
		return "", fmt.Errorf("old: %q does not fit", a.text("old"))
	}
	s.RotateKeys(old)
	return "JWTs are signed with a new key", nil
}

func (s *Sim) rotateServerTokensCommand(a *arguments) (string, error) {
	machine := a.text("machine")
	if err := a.check(); err != nil {
		return "", err
	}
	s.RotateServerTokens(machine)
	return "media servers want new tokens", nil
}
