// SPDX-License-Identifier: Apache-2.0

package dbusapi

import "github.com/retune-tv/plexauthd/dbusapi/names"

// WithAccessGroup has the members of a group that this machine has count as those
// of the access group, which does not have to exist.
func (o Options) WithAccessGroup(name string) Options {
	o.accessGroup = name
	return o
}

// Argument is one argument that a member takes.
type Argument struct{ Name, Type string }

// Exported gives what our object takes, by interface and member.
func (s *Service) Exported() map[string]map[string][]Argument {
	exported := map[string]map[string][]Argument{}
	for iface, all := range s.objects[names.Path] {
		exported[iface] = map[string][]Argument{}
		for name, m := range all {
			arguments := []Argument{}
			for _, in := range m.in {
				arguments = append(arguments, Argument{in.name, in.signature})
			}
			exported[iface][name] = arguments
		}
	}
	return exported
}

// RememberedCallers gives how many callers are remembered, and how many may be.
func (s *Service) RememberedCallers() (now, most int) {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	return len(s.access.known), rememberedCallers
}

// InFlight gives how many calls are being worked on, and for how many callers
// something is kept because of that.
func (s *Service) InFlight() (calls, callers int) {
	for _, f := range []*places{s.early, s.running, s.open, s.asking, s.prompting} {
		f.mu.Lock()
		calls, callers = calls+f.total.calls, callers+len(f.of)
		f.mu.Unlock()
	}
	s.callers.mu.Lock()
	defer s.callers.mu.Unlock()
	return calls, callers + len(s.callers.waiting)
}
