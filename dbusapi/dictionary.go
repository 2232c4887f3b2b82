// SPDX-License-Identifier: Apache-2.0

package dbusapi

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// reader reads values from an a{sv} argument. It remembers the first wrong value, and
// which keys were read.
type reader struct {
	values map[string]dbus.Variant
	name   string // the argument's, for errors
	known  []string
	err    error
}

// read stores the value of key, if it is there, in target: a pointer to bool,
// string or int64. Many languages send numbers in whatever type they have, even as
// text, and booleans as 0 and 1.
func (r *reader) read(key string, target any) {
	r.known = append(r.known, key)
	value, ok := r.values[key]
	if !ok || r.err != nil {
		return
	}
	number, isNumber, isWhole := wholeNumber(value.Value())
	var want string
	switch target := target.(type) {
	case *bool:
		want = "b"
		if *target, ok = value.Value().(bool); !ok {
			*target, ok = number == 1, isWhole && (number == 0 || number == 1)
		}
	case *string:
		want, isNumber = "s", false
		*target, ok = value.Value().(string)
	case *int64:
		want = "x"
		*target, ok = number, isWhole
	}
	switch {
	case !ok && isNumber:
		r.err = invalidArg(r.name, fmt.Sprintf("%s is %v, not a value of type %s", key, value.Value(), want))
	case !ok:
		r.err = invalidArg(r.name, fmt.Sprintf("%s has type %s, not %s", key, value.Signature(), want))
	}
}

// wholeNumber reads a value of any type for numbers.
func wholeNumber(value any) (number int64, isNumber, isWhole bool) {
	switch v := value.(type) {
	case byte:
		return int64(v), true, true
	case int16:
		return int64(v), true, true
	case uint16:
		return int64(v), true, true
	case int32:
		return int64(v), true, true
	case uint32:
		return int64(v), true, true
	case int64:
		return v, true, true
	case uint64:
		return int64(v), true, v <= math.MaxInt64
	case float64:
		return int64(v), true, v == math.Trunc(v) && math.Abs(v) < 1<<63
	case string: // Perl's Net::DBus sends every number in a dictionary as text
		number, err := strconv.ParseInt(v, 10, 64)
		return number, false, err == nil
	}
	return 0, false, false
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
