// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// reader reads values from an a{sv} argument. It remembers the first value of the
// wrong type, and which keys were read.
type reader struct {
	values map[string]dbus.Variant
	name   string // the argument's, for errors
	known  []string
	err    error
}

// read stores the value of key, if it is there, in target: a pointer to bool,
// string or int64.
func (r *reader) read(key string, target any) {
	r.known = append(r.known, key)
	value, ok := r.values[key]
	if !ok || r.err != nil {
		return
	}
	var want string
	switch target := target.(type) {
	case *bool:
		want = "b"
		*target, ok = value.Value().(bool)
	case *string:
		want = "s"
		*target, ok = value.Value().(string)
	case *int64:
		want = "x"
		*target, ok = value.Value().(int64)
	}
	if !ok {
		r.err = invalidArg(r.name, fmt.Sprintf("%s has type %s, not %s", key, value.Signature(), want))
	}
}

// refuseOthers returns an error if there are keys that were not read.
func (r *reader) refuseOthers() error {
	for key := range r.values {
		if !slices.Contains(r.known, key) && r.err == nil {
			r.err = invalidArg(r.name, fmt.Sprintf("%.40q is not one of %s", key, strings.Join(r.known, ", ")))
		}
	}
	return r.err
}
