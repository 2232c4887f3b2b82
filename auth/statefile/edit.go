// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// element is a statement of a document and what it is about.
type element struct {
	statement
	table  toml.Key // the table it stands in; of a header the table it starts
	key    toml.Key // of a key with a value: its name within the table
	path   toml.Key // the full name of the table or key that it is about
	header bool
}

// elements are the statements of a valid document.
func elements(parts []statement) ([]*element, error) {
	var table toml.Key
	all := make([]*element, 0, len(parts))
	for _, st := range parts {
		name, err := nameOf(st.text)
		if err != nil {
			return nil, err
		}
		el := &element{statement: st, table: table, path: table}
		switch {
		case name == nil:
		case strings.HasPrefix(strings.TrimLeft(st.text, blank), "["):
			table = name
			el.table, el.path, el.header = name, name, true
		default:
			el.key, el.path = name, within(table, name)
		}
		all = append(all, el)
	}
	return all, nil
}

// nameOf returns the key or the table that a statement names; nil if it is a
// comment or blank. The decoder knows best how names are written, but takes half
// the time of a save for those that are plain.
func nameOf(text string) (toml.Key, error) {
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] == '#' {
		return nil, nil
	}
	if name := plainName(strings.TrimLeft(text, blank)); name != nil {
		return name, nil
	}
	_, keys, err := decode(text)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return keys[0], nil
}

// plainName is nameOf for a bare key, and for a table whose name is made of
// them and dots alone; nil for any other.
func plainName(text string) toml.Key {
	name, _, isKey := strings.Cut(text, "=")
	parts := []string{strings.TrimRight(name, " \t")}
	if table, isTable := strings.CutPrefix(text, "["); isTable {
		name, _, isKey = strings.Cut(table, "]")
		parts = strings.Split(name, ".")
	}
	if !isKey || slices.ContainsFunc(parts, func(part string) bool { return part == "" || strings.Trim(part, bareKey) != "" }) {
		return nil
	}
	return parts
}

// bareKey are the bytes of keys that TOML wants no quotes around.
const bareKey = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// within is the full name of a key in a table.
func within(table, key toml.Key) toml.Key { return append(table[:len(table):len(table)], key...) }

// sets tells whether e is that key of a table, with its value.
func (e *element) sets(table toml.Key, key string) bool {
	return e.key != nil && isKeyOf(table, key, e.path)
}

// isKeyOf tells whether path is the full name of that key of a table.
func isKeyOf(table toml.Key, key string, path toml.Key) bool {
	last := len(path) - 1
	return last >= 0 && path[last] == key && slices.Equal(path[:last], table)
}

// isTrivia tells comments and blank lines.
func (e *element) isTrivia() bool { return !e.header && e.key == nil }

// isBlank tells lines with nothing on them.
func (e *element) isBlank() bool { return strings.TrimSpace(e.text) == "" }

// trailer is the comment after the value, with its space, and the line end.
func (e *element) trailer() string {
	if e.comment < 0 {
		return "\n"
	}
	return " " + strings.TrimRight(e.text[e.comment:], "\r\n") + "\n"
}

// edited returns the parts of the document with our keys as sections want them and
// everything else as it was.
func (d document) edited(sections []section) ([]*element, error) {
	if d.unsplit != nil {
		return nil, d.unsplit
	}
	els := dropGone(withLastLineEnd(d.parts), sections)
	for _, sec := range sections {
		if !sec.gone {
			els = d.put(els, sec)
		}
	}
	return els, nil
}

func textOfParts(els []*element) string {
	var out strings.Builder
	for _, el := range els {
		out.WriteString(el.text)
	}
	return out.String()
}

// withLastLineEnd makes the last line of a document one that others can follow.
func withLastLineEnd(els []*element) []*element {
	last := len(els) - 1
	if last < 0 || strings.HasSuffix(els[last].text, "\n") {
		return els
	}
	ended := *els[last]
	ended.text += "\n"
	return append(els[:last:last], &ended)
}

// dropGone takes out the tables that are to be absent. Comments in them go
// too, but for those behind a blank line at a table's end: they speak about
// what follows.
func dropGone(els []*element, sections []section) []*element {
	var kept []*element
	for i := 0; i < len(els); i++ {
		if !isGone(els[i].path, sections) {
			kept = append(kept, els[i])
			continue
		}
		end := i + 1
		for end < len(els) && els[end].isTrivia() && isGone(els[end].table, sections) {
			end++
		}
		if end == len(els) || !isGone(els[end].path, sections) {
			kept = append(kept, afterBlank(els[i+1:end])...)
		}
		i = end - 1
	}
	return kept
}

// afterBlank returns what follows the first blank lines of a run of trivia.
func afterBlank(run []*element) []*element {
	first := slices.IndexFunc(run, (*element).isBlank)
	for first >= 0 && first < len(run) && run[first].isBlank() {
		first++
	}
	if first < 0 {
		return nil
	}
	return run[first:]
}

// put sets the section's keys, at their old place if they have one.
func (d document) put(els []*element, sec section) []*element {
	var missing []*element
	had, _ := lookUp(d.values, sec.table)
	for _, f := range sec.fields {
		want := f.value()
		at := slices.IndexFunc(els, func(el *element) bool { return el.sets(sec.table, f.key) })
		switch {
		case at < 0 && want == nil:
		case at < 0:
			missing = append(missing, newElement(sec.table, toml.Key{f.key}, want, "\n"))
		case want == nil && els[at].comment < 0:
			els = slices.Delete(els, at, at+1)
		case want == nil:
			els[at] = comment(els[at])
		case !same(want, had[f.key]):
			els[at] = newElement(els[at].table, els[at].key, want, els[at].trailer())
		}
	}
	return insert(els, sec.table, missing)
}

// comment is what is left of e without its key: the comment after the value.
func comment(e *element) *element {
	return &element{statement: statement{strings.TrimLeft(e.trailer(), " "), 0}, table: e.table, path: e.table}
}

func newElement(table, key toml.Key, value any, trailer string) *element {
	text, _ := toml.Marshal(map[string]any{"k": value})
	line := statement{key.String() + strings.TrimPrefix(strings.TrimSuffix(string(text), "\n"), "k"), -1}
	if trailer != "\n" {
		line.comment = len(line.text) + 1
	}
	line.text += trailer
	return &element{statement: line, table: table, key: key, path: within(table, key)}
}

// insert puts the new keys behind the table's last one, or with a new header
// at the end if there is no such table.
func insert(els []*element, table toml.Key, added []*element) []*element {
	if len(added) == 0 {
		return els
	}
	at := 0
	for i, el := range els {
		if !el.isTrivia() && slices.Equal(el.table, table) {
			at = i + 1
		}
	}
	if at == 0 && len(table) > 0 {
		at = len(els)
		header := "[" + table.String() + "]\n"
		if at > 0 && !els[at-1].isBlank() {
			header = "\n" + header
		}
		added = append([]*element{{statement: statement{header, -1}, table: table, path: table, header: true}}, added...)
	}
	return append(els[:at:at], append(added, els[at:]...)...)
}
