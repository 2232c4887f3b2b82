// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"math"
	"strconv"
	"time"
)

// The values of a file are read as what they plainly say, whichever of TOML's
// types they have: other programs and people write 4242 for "4242", or "true"
// for true.

// textOf reads a text.
func textOf(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	case time.Time:
		return v.Format(notation(v)), true
	}
	return "", false
}

func boolOf(v any) (yes, ok bool) {
	text, ok := textOf(v)
	yes, err := strconv.ParseBool(text)
	return yes, ok && err == nil
}

// countOf reads an integer. TOML has signed ones only: those above 1<<63 are
// negative in the file.
func countOf(v any) (uint64, bool) {
	text, ok := textOf(v)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(n), ok
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, ok && err == nil
}

// versionOf reads the number of a layout. Those that no integer holds are newer
// than any that is known.
func versionOf(v any) (number float64, ok bool) {
	text, ok := textOf(v)
	number, err := strconv.ParseFloat(text, 64)
	return number, ok && err == nil && number >= 0
}

// instantOf reads a date with or without a time, which is in UTC unless it says
// otherwise, and seconds since 1970. An empty text and 0 are no time. What would
// have no RFC 3339 form in UTC cannot be read.
func instantOf(v any) (time.Time, bool) {
	text, ok := textOf(v)
	if text == "" || text == "0" {
		return time.Time{}, ok
	}
	t, ok := dateOf(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1<<40 {
		t, ok = time.Unix(int64(seconds), 0), true
	}
	t = wholeSeconds(t)
	if !ok || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

func dateOf(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, localDateTime, "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// How TOML writes dates and times without a zone.
const (
	localDateTime = "2006-01-02T15:04:05.999999999"
	localTime     = "15:04:05.999999999"
)

// notation is the layout of t in the file. The decoder marks dates and times
// without a zone by the name of the zone only.
func notation(t time.Time) string {
	switch t.Location().String() {
	case "datetime-local":
		return localDateTime
	case "date-local":
		return time.DateOnly
	case "time-local":
		return localTime
	}
	return time.RFC3339Nano
}

// isLocal tells TOML's local date-times, dates and times.
func isLocal(t time.Time) bool { return notation(t) != time.RFC3339Nano }
