// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"maps"
	"slices"

	"github.com/BurntSushi/toml"
)

// replacing returns d with these parts. It is ok if they differ only in the values of
// keys, each in its old place, as in most saves. In TOML the meaning of a statement does
// not depend on the value of another, so only those values are parsed.
func (d document) replacing(parts []*element) (next document, ok bool) {
	if len(parts) != len(d.parts) {
		return document{}, false
	}
	values := d.values
	for i, el := range parts {
		if old := d.parts[i]; el != old {
			value := el.value()
			if value == nil || old.key == nil || !slices.Equal(el.path, old.path) || valueAt(values, el.path) == nil {
				return document{}, false
			}
			values = replaced(values, el.path, value)
		}
	}
	next = document{text: textOfParts(parts), parts: parts, values: values}
	next.state, next.unread = readState(values)
	return next, checkBytes([]byte(next.text)) == nil
}

// value parses the value of a key; nil if that is not all that e is.
func (e *element) value() any {
	values, keys, err := decode(e.text)
	if err != nil || len(keys) != 1 || !slices.Equal(keys[0], e.key) {
		return nil
	}
	return valueAt(values, e.key)
}

// valueAt returns the value of a key, nil if there is none.
func valueAt(values map[string]any, path toml.Key) any {
	last := len(path) - 1
	table, _ := lookUp(values, path[:last])
	return table[path[last]]
}

// replaced returns values with another one at path, where there is one. It changes
// no map, but copies those that path goes through.
func replaced(values map[string]any, path toml.Key, value any) map[string]any {
	values = maps.Clone(values)
	if len(path) > 1 {
		inner, _ := values[path[0]].(map[string]any)
		value = replaced(inner, path[1:], value)
	}
	values[path[0]] = value
	return values
}
