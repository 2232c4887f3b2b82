// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// arguments reads a command's arguments and keeps the first error.
type arguments struct {
	values url.Values
	known  []string
	err    error
}

func (a *arguments) text(name string) string {
	a.known = append(a.known, name)
	return a.values.Get(name)
}

// number reads a count; a padding as large as the limit is all the memory it gets.
func (a *arguments) number(name string) int {
	return parse(a, name, func(text string) (int, error) {
		number, err := strconv.Atoi(text)
		if number < 0 || number > 64<<20 {
			err = strconv.ErrRange
		}
		return number, err
	})
}

// status reads an HTTP status, 0 for none.
func (a *arguments) status() int {
	return parse(a, "status", func(text string) (int, error) {
		status, err := strconv.Atoi(text)
		if status != 0 && (status < 200 || status > 599) {
			err = strconv.ErrRange
		}
		return status, err
	})
}

func (a *arguments) duration(name string) time.Duration { return parse(a, name, time.ParseDuration) }

func (a *arguments) truth(name string) bool { return parse(a, name, strconv.ParseBool) }

// parse reads an argument that may be missing.
func parse[T any](a *arguments, name string, from func(string) (T, error)) T {
	var value T
	text := a.text(name)
	if text == "" {
		return value
	}
	value, err := from(text)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s: %q does not fit", name, text)
	}
	return value
}

// check returns the first error, which may be an argument that nobody asked for.
func (a *arguments) check() error {
	for name := range a.values {
		if !slices.Contains(a.known, name) && a.err == nil {
			a.err = fmt.Errorf("%s: unknown argument; known are: %s", name, strings.Join(a.known, ", "))
		}
	}
	return a.err
}
