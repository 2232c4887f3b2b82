// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

func (s *Sim) claimCommand(a *arguments) (string, error) {
	code, name := a.text("code"), a.text("user")
	if err := a.check(); err != nil {
		return "", err
	}
	return "claimed " + code, s.claimAs(code, func() (*User, error) { return s.userNamed(name) })
}

func (s *Sim) expireCommand(a *arguments) (string, error) {
	code := a.text("code")
	if err := a.check(); err != nil {
		return "", err
	}
	return "expired " + code, s.ExpirePin(code)
}

func (s *Sim) revokeCommand(a *arguments) (string, error) {
	name, status := a.text("user"), http.StatusUnauthorized
	if a.text("status") != "" {
		status = a.status()
	}
	if err := a.check(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "" {
		if _, err := s.userNamed(name); err != nil {
			return "", err
		}
	}
	tokens := 0
	for _, session := range s.sessions {
		if name == "" || session.user.Username == name {
			session.refused = status
			tokens++
		}
	}
	for _, d := range s.devices {
		if d.issued > 0 && (name == "" || d.user.Username == name) {
			d.refused, d.refusedTo = status, d.issued
			tokens++
		}
	}
	return fmt.Sprintf("%d tokens are now answered with status %d", tokens, status), nil
}

func (s *Sim) failCommand(a *arguments) (string, error) {
	var fault Fault
	if a.truth("captive-portal") {
		fault = CaptivePortal()
	}
	fault.Endpoint = Endpoint(a.text("endpoint"))
	fault.Times, fault.For = a.number("times"), a.duration("for")
	fault.Delay, fault.Skew = a.duration("delay"), a.duration("skew")
	fault.Reset, fault.Lost = a.truth("reset"), a.truth("lost")
	fault.CutOff, fault.Stall = a.truth("cut-off"), a.truth("stall")
	fault.Code, fault.PadTo = a.number("code"), a.number("pad-to")
	fault.RetryAfter, fault.Location = a.text("retry-after"), a.text("location")
	if status := a.status(); status != 0 {
		fault.Status = status
	}
	fill(&fault.Body, a.text("body"))
	fill(&fault.ContentType, a.text("content-type"))
	if err := a.check(); err != nil {
		return "", err
	}
	switch {
	case !s.serves(fault.Endpoint):
		return "", fmt.Errorf("endpoint: %q is not served", fault.Endpoint)
	case fault == Fault{Endpoint: fault.Endpoint, Times: fault.Times, For: fault.For}:
		return "", errors.New("fail: say how, such as status=503")
	}
	s.Fail(fault)
	return "failing", nil
}

func (s *Sim) clearCommand(a *arguments) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	s.Clear()
	return "cleared", nil
}

func (s *Sim) serves(endpoint Endpoint) bool {
	return endpoint == Any || slices.ContainsFunc(s.routes, func(r route) bool { return r.endpoint == endpoint })
}
