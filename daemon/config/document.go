// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// document is a TOML file that knows on which line a key is.
type document struct {
	text string
	meta toml.MetaData
	root map[string]toml.Primitive
}

// parseDocument reads TOML, with or without a byte order mark, which the toml
// package does not count in positions.
func parseDocument(text string) (*document, error) {
	d := &document{text: strings.TrimPrefix(text, "\ufeff")}
	var err error
	d.meta, err = toml.Decode(text, &d.root)
	return d, err
}

// at returns the value of key and the line where it begins. The key must not
// be within an array.
func (d *document) at(key toml.Key) (value any, line int) {
	level := d.root
	for len(key) > 1 {
		var table map[string]toml.Primitive
		// It is a table, because nothing else has keys.
		_ = d.meta.PrimitiveDecode(level[key[0]], &table)
		level, key = table, key[1:]
	}
	var found probe
	var place toml.ParseError
	errors.As(d.meta.PrimitiveDecode(level[key[0]], &found), &place)
	return found.value, lineOf(d.text, place)
}

// lineOf is the line where what err is about begins. Position.Line would be
// the one where it ends.
func lineOf(text string, err toml.ParseError) int {
	return 1 + strings.Count(text[:err.Position.Start], "\n")
}

// probe takes a value and refuses it, because the toml package tells the
// place of a value only in the error about it.
type probe struct{ value any }

var errProbe = errors.New("probe")

func (p *probe) UnmarshalTOML(value any) error {
	p.value = value
	return errProbe
}
