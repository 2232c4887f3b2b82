// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// TestEveryCommandPrintsJSON runs them all, in an order in which each has something
// to print. Only seal is for a booted box to try: it changes the machine.
func TestEveryCommandPrintsJSON(t *testing.T) {
	p := newPerson(t)
	p.SignIn()
	p.AddHomeUser("Kim", "")
	bob := p.Plex.AddUser(plextvsim.User{Username: "bob"})
	lines := [][]string{{"status"}, {"login"}, {"validate"}, {"users"}, {"switch", "Kim"}, {"servers"}, {"headers"},
		{"doctor"}, {"watch"}, {"version"}, {"logout"}, {"import"}}
	left := []string{"help", "completion", "seal"}
	for _, command := range (&program{out: new(output)}).root().Commands() {
		name := command.Name()
		if !slices.Contains(left, name) && !slices.ContainsFunc(lines, func(l []string) bool { return l[0] == name }) {
			t.Errorf("%s is not tried", name)
		}
	}
	for _, line := range lines {
		p.types = map[string]string{"import": bob}[line[0]]
		r := p.begin(append(line, "--json")...)
		if printed := r.await(""); !json.Valid([]byte(printed)) {
			t.Errorf("%v prints %q", line, printed)
		}
		r.ctrlC() // watch runs until it is interrupted; the others are done
		for more := range r.lines {
			r.see(more)
			if !json.Valid([]byte(more)) {
				t.Errorf("%v prints %q", line, more)
			}
		}
		r.end()
	}
}
