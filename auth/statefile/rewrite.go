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

// with returns the text of d with s in it. Comments and formatting are kept,
// unless ours is formatted in a way that the line editor does not know
// (inline tables and the like): then plain is true and they are lost, but no
// key is. What is returned has been read back.
func (d document) with(s State) (text string, plain bool, err error) {
	sections := layout(&s)
	keep := foreign(d.values, sections)
	text, err = d.edited(sections)
	if err == nil && readsBack(text, s, keep) == nil {
		return text, false, nil
	}
	text, err = d.rewritten(sections)
	if err != nil {
		return "", false, errors.New("the TOML encoder refuses the document")
	}
	if err := readsBack(text, s, keep); err != nil {
		return "", false, fmt.Errorf("does not read back: %w", err)
	}
	return text, true, nil
}

// readsBack checks that text holds exactly s and the foreign keys in keep.
func readsBack(text string, s State, keep map[string]any) error {
	doc, err := parse([]byte(text))
	if err != nil {
		return err
	}
	if len(doc.unread) > 0 || !reflect.DeepEqual(doc.state, s) {
		return errors.New("a value of the state came out different")
	}
	if !sameTable(foreign(doc.values, layout(&s)), keep) {
		return errors.New("a key that is not ours came out different")
	}
	return nil
}

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
