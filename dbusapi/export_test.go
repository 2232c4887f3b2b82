package dbusapi

// Argument is one argument that a member takes.
type Argument struct{ Name, Type string }

// Exported gives what our object takes, by interface and member.
func (s *Service) Exported() map[string]map[string][]Argument {
	exported := map[string]map[string][]Argument{}
	for iface, all := range s.objects["/tv/retune/PlexAuth1"] {
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
