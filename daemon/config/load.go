// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Limits of a configuration file, of which all settings with all comments need
// a small part. The toml package is slow at names of many parts, so those are
// refused before it reads them.
const (
	maxSize  = 64 << 10 // bytes
	maxLine  = 1 << 10  // bytes
	maxDepth = 64       // of brackets that are open, in texts too
)

// Load reads the configuration file at path. What the file does not set is as
// in defaults. A missing file is an error only if mustExist. Every error is an
// *[Error], about the first problem in the file; the Config is then zero.
func Load(path string, mustExist bool, defaults Config) (Config, error) {
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) && !mustExist {
		return defaults, nil
	}
	if err != nil {
		return Config{}, &Error{File: path, Problem: "cannot be read: " + cause(err) + "; want a TOML file"}
	}
	c, problem := apply(text, defaults)
	if problem != nil {
		problem.File = path
		return Config{}, problem
	}
	return c, nil
}

// read returns the text of the file at path, up to one byte more than accepted.
func read(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	return string(text), err
}

// cause returns the text of err without the path, which [Error] has anyway.
func cause(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// apply returns defaults with what text changes.
func apply(text string, defaults Config) (Config, *Error) {
	d, problem := check(text)
	if problem != nil {
		return Config{}, problem
	}
	c := defaults
	// Keys are in the order of the file, an array before what is in it.
	for _, key := range d.meta.Keys() {
		value, line := d.at(key)
		if err := set(&c, key, value); err != nil {
			return Config{}, &Error{Line: line, Key: key.String(), Problem: err.Error()}
		}
	}
	return c, checkPairing(c, d)
}

// check parses text as TOML.
func check(text string) (*document, *Error) {
	if len(text) > maxSize {
		return nil, &Error{Problem: "is too large; want a file of up to 64 KiB"}
	}
	if line := garbledLine(text); line > 0 {
		return nil, &Error{Line: line, Problem: "has a byte that is not UTF-8 or a control character; want TOML, which is plain UTF-8"}
	}
	if line := tangledLine(text); line > 0 {
		return nil, &Error{Line: line, Problem: "is too long or nested too deep; want a table with texts in lines of up to 1 KiB"}
	}
	d, err := parseDocument(text)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return nil, &Error{Line: lineOf(d.text, syntax), Key: syntax.LastKey, Problem: "is not valid TOML: " + syntax.Message}
	}
	if err != nil {
		return nil, &Error{Problem: "is not valid TOML: " + err.Error()}
	}
	return d, nil
}

// garbledLine is the number of the first line with what TOML allows nowhere, or 0.
// The toml package skips a UTF-16 byte order mark, and reports the line before for
// a control character that begins one.
func garbledLine(text string) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\r\n"), "\n")
		if !utf8.ValidString(line) || strings.ContainsFunc(line, isForbidden) {
			return number
		}
	}
	return 0
}

// isForbidden knows the control characters that TOML forbids even in comments.
func isForbidden(r rune) bool {
	return r < ' ' && r != '\t' || r == '\x7f'
}

// tangledLine is the number of the first line that is too long or within too many
// brackets, or 0. Comments may be.
func tangledLine(text string) int {
	number, depth := 0, 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			continue
		}
		for _, char := range line {
			switch char {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
		if len(line) > maxLine || depth > maxDepth {
			return number
		}
	}
	return 0
}

// checkPairing compares the two durations of a pairing, whichever of them the
// file sets.
func checkPairing(c Config, d *document) *Error {
	if c.PollInterval < c.PairingTimeout {
		return nil
	}
	for _, name := range []string{pollInterval, pairingTimeout} {
		key := strings.Split(name, ".")
		if d.meta.IsDefined(key...) {
			_, line := d.at(key)
			return &Error{Line: line, Key: name, Problem: fmt.Sprintf(
				"does not fit; want a poll_interval (%v) shorter than the timeout (%v)", c.PollInterval, c.PairingTimeout)}
		}
	}
	return nil
}

// set sets one key of the file in c. Its error says what is accepted.
func set(c *Config, key toml.Key, value any) error {
	keys := strings.Join(keysIn(key[0]), ", ")
	if keys == "" {
		return errors.New("is unknown; want [identity], [auth], [plex], [pairing] or [log]")
	}
	if len(key) == 1 {
		if _, isTable := value.(map[string]any); !isTable {
			return fmt.Errorf("has the wrong type; want a table with %s", keys)
		}
		return nil
	}
	for _, s := range settings() {
		if s.name != key.String() {
			continue
		}
		text, isText := value.(string)
		if !isText {
			return errors.New("has the wrong type; want a string in quotes")
		}
		return s.set(c, text)
	}
	return fmt.Errorf("is unknown, accepted in [%s] are %s", key[0], keys)
}
