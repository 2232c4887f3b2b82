// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// with returns d with s in it. Comments and formatting are kept, unless ours is
// formatted in a way that the line editor does not know (inline tables and the
// like): then plain is true and they are lost, but no key is. What is returned has
// been read back.
func (d document) with(s State) (next document, plain bool, err error) {
	sections := layout(&s)
	parts, err := d.edited(sections)
	if err == nil {
		if next, ok := d.replacing(parts); ok && next.holds(s) {
			return next, false, nil
		}
	}
	keep := foreign(d.values, sections)
	if err == nil {
		next, err = readBack(textOfParts(parts), s, sections, keep)
	}
	if err == nil {
		return next, false, nil
	}
	text, err := d.rewritten(sections)
	if err != nil {
		return document{}, false, errors.New("the TOML encoder refuses the document")
	}
	if next, err = readBack(text, s, sections, keep); err != nil {
		return document{}, false, fmt.Errorf("does not read back: %w", err)
	}
	return next, true, nil
}

// readBack parses text, which has to hold exactly s, in these sections, and the
// foreign keys in keep.
func readBack(text string, s State, sections []section, keep map[string]any) (document, error) {
	doc, err := parse([]byte(text))
	switch {
	case err != nil:
	case !doc.holds(s):
		err = errors.New("a value of the state came out different")
	case !sameTable(foreign(doc.values, sections), keep):
		err = errors.New("a key that is not ours came out different")
	}
	return doc, err
}

// holds tells whether s is what can be read in d.
func (d document) holds(s State) bool { return len(d.unread) == 0 && reflect.DeepEqual(d.state, s) }

// rewritten encodes the document again from its values, with our keys as
// sections want them.
func (d document) rewritten(sections []section) (string, error) {
	values, _ := encodable(d.values).(map[string]any)
	for _, sec := range sections {
		if sec.gone {
			delete(values, sec.table[0])
			continue
		}
		sec.write(values)
	}
	var out strings.Builder
	enc := toml.NewEncoder(&out)
	enc.Indent = ""
	err := enc.Encode(values)
	return out.String(), err
}

// write sets the section's keys in a decoded document.
func (s section) write(values map[string]any) {
	for _, part := range s.table {
		inner, ok := values[part].(map[string]any)
		if !ok {
			inner = map[string]any{}
			values[part] = inner
		}
		values = inner
	}
	for _, f := range s.fields {
		delete(values, f.key)
		if want := f.value(); want != nil {
			values[f.key] = want
		}
	}
}

// encodable copies a decoded value for the encoder, which writes local times
// as what UTC calls them: they are moved so that this comes out right.
func encodable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		table := make(map[string]any, len(v))
		for key, inner := range v {
			table[key] = encodable(inner)
		}
		return table
	case []any, []map[string]any:
		items, _ := list(v)
		for i := range items {
			items[i] = encodable(items[i])
		}
		return items
	case time.Time:
		if _, offset := v.Zone(); isLocal(v) {
			return v.Add(time.Duration(offset) * time.Second)
		}
	}
	return v
}
