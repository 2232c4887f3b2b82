// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxSize is the largest file that is read and written, in bytes.
const maxSize = 1 << 20

// document is a state file as it was read. The zero value stands for none.
type document struct {
	text    string
	parts   []*element // of text
	unsplit error      // why there are no parts
	values  map[string]any
	state   State    // with its secrets as they stand in the text
	plain   State    // with its secrets opened
	unread  []string // our keys and tables whose values cannot be read, and count as absent
	bare    bool     // there is a key, and the text shows a secret nevertheless
}

// parse understands data or says what is wrong with it, quoting nothing of
// it: it may hold a token. What is valid TOML is no error: single values that
// cannot be read are left out.
func parse(data []byte) (document, error) {
	if err := checkBytes(data); err != nil {
		return document{}, err
	}
	text := string(data)
	parts, err := statements(text)
	if err != nil {
		return document{}, err
	}
	doc := document{text: text}
	if doc.values, _, err = decode(text); err != nil {
		return document{}, err
	}
	doc.parts, doc.unsplit = elements(parts)
	if err := checkVersion(doc.values); err != nil {
		// The client id stands above all layouts and stays what plex.tv knows.
		doc.state.ClientID, _ = textOf(doc.values["retune_client_id"])
		return doc, err
	}
	doc.state, doc.unread = readState(doc.values)
	return doc, nil
}

// checkBytes finds what no TOML file is, most of it left by a power cut.
func checkBytes(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case len(data) > maxSize:
		return fmt.Errorf("longer than %d bytes", maxSize)
	case bytes.IndexByte(data, 0) >= 0:
		return errors.New("NUL bytes in the file")
	case !utf8.Valid(data):
		return errors.New("not UTF-8")
	}
	return nil
}

// decode is the decoder without its error texts, which quote the document,
// and without the panics by which it reports faults of its own. keys are the
// tables and keys that text names, in order.
func decode(text string) (values map[string]any, keys []toml.Key, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the TOML decoder gave up")
		}
	}()
	meta, err := toml.Decode(text, &values)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return nil, nil, fmt.Errorf("line %d: not valid TOML", max(syntax.Position.Line, 1))
	}
	if err != nil {
		return nil, nil, errors.New("not valid TOML")
	}
	return values, meta.Keys(), nil
}

// checkVersion comes before all other keys are read: in a newer layout they
// may mean something else. What is no version number says nothing of that.
func checkVersion(values map[string]any) error {
	auth, _ := values[authTable].(map[string]any)
	if number, ok := versionOf(auth["version"]); ok && number > version {
		return fmt.Errorf("%w: version %v, known is %d", ErrNewer, number, version)
	}
	return nil
}

// readState takes our keys out of a decoded document, and names those that
// cannot be read.
func readState(values map[string]any) (s State, unread []string) {
	s = State{
		DeviceKey: present[DeviceKey](values, deviceKeyTable),
		Auth:      present[Auth](values, authTable),
		Owner:     present[Auth](values, homeTable),
		Pairing:   present[Pairing](values, pairingTable),
		Servers:   present[Servers](values, serversTable),
		HomePin:   present[HomePin](values, homePinTable),
		Pauses:    present[Pauses](values, pausesTable),
		PlexURL:   textIn(values, plexTable, "url"),
		Away: Away{
			PlexURL:   textIn(values, awayTable, "plex_url"),
			DeviceKey: present[DeviceKey](values, awayKeyTable),
			Auth:      present[Auth](values, awayUserTable),
			Owner:     present[Auth](values, awayOwnerTable),
		},
	}
	for i := range s.GivenUp {
		s.GivenUp[i] = present[Pairing](values, givenUpTable(i))
	}
	for _, sec := range layout(&s) {
		table, ok := lookUp(values, sec.table)
		if !ok {
			unread = append(unread, sec.table.String())
		}
		unread = append(unread, sec.read(table)...)
	}
	return s.whole(), unread
}

// present returns a zero T to read the table into, nil if there is no table.
func present[T any](values map[string]any, table string) *T {
	if values[table] == nil {
		return nil
	}
	return new(T)
}

// textIn returns the text of a key, "" if there is none.
func textIn(values map[string]any, table, key string) string {
	text, _ := textOf(valueAt(values, toml.Key{table, key}))
	return text
}

// read takes the section's keys out of its decoded table, and names those that
// cannot be read.
func (s section) read(table map[string]any) (unread []string) {
	for _, f := range s.fields {
		if v := table[f.key]; v != nil && !f.read(v) {
			unread = append(unread, s.path(f).String())
		}
	}
	return unread
}

// lookUp returns the table at path, nil if there is none. It is not ok if there
// is something else.
func lookUp(values map[string]any, path toml.Key) (table map[string]any, ok bool) {
	for _, part := range path {
		inner, ok := values[part].(map[string]any)
		if !ok {
			return nil, values[part] == nil
		}
		values = inner
	}
	return values, true
}

// foreign returns what of values is not ours, by full key: every value that
// is not a table itself, and every empty table. A table in the place of one of our keys
// is a value of it that cannot be read.
func foreign(values map[string]any, sections []section) map[string]any {
	all := map[string]any{}
	flatten(all, nil, values, sections)
	return all
}

// flatten may overwrite what follows path in memory.
func flatten(into map[string]any, path toml.Key, table map[string]any, sections []section) {
	if isGone(path, sections) || isKey(path, sections) {
		return
	}
	if len(table) == 0 && !isOurs(path, sections) {
		into[path.String()] = table
	}
	for key, v := range table {
		full := append(path, key)
		if inner, ok := v.(map[string]any); ok {
			flatten(into, full, inner, sections)
		} else if !isGone(full, sections) && !isOurs(full, sections) {
			into[full.String()] = v
		}
	}
}

// isOurs tells whether path is one of our tables or keys.
func isOurs(path toml.Key, sections []section) bool {
	for _, sec := range sections {
		if slices.Equal(path, sec.table) {
			return true
		}
	}
	return isKey(path, sections)
}

// isKey tells whether path is one of our keys.
func isKey(path toml.Key, sections []section) bool {
	for _, sec := range sections {
		for _, f := range sec.fields {
			if isKeyOf(sec.table, f.key, path) {
				return true
			}
		}
	}
	return false
}

// isGone tells whether path lies in a table that is to be absent.
func isGone(path toml.Key, sections []section) bool {
	for _, sec := range sections {
		if n := len(sec.table); sec.gone && len(path) >= n && slices.Equal(path[:n], sec.table) {
			return true
		}
	}
	return false
}

// same compares decoded values. Unlike reflect.DeepEqual it finds NaN equal
// to itself, times equal by what they mean, and a list of tables equal to
// itself in TOML's other notation.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && sameTable(a, b)
	case []any, []map[string]any:
		b, ok := list(b)
		items, _ := list(a)
		return ok && slices.EqualFunc(items, b, same)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	}
	return a == b
}

func sameTable(a, b map[string]any) bool {
	for key, v := range a {
		other, ok := b[key]
		if !ok || !same(v, other) {
			return false
		}
	}
	return len(a) == len(b)
}

// list returns v's items if v is a list in either notation.
func list(v any) ([]any, bool) {
	tables, ok := v.([]map[string]any)
	if !ok {
		items, ok := v.([]any)
		return items, ok
	}
	items := make([]any, len(tables))
	for i, table := range tables {
		items[i] = table
	}
	return items, true
}
