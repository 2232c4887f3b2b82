// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jonboulle/clockwork"
)

const (
	maxBody  = 1 << 20
	maxCode  = 64
	maxToken = 8 << 10
	maxText  = 2 << 10 // names, addresses, URLs of pictures
)

// answer is what plex.tv, or something between it and us, sent back.
type answer struct {
	status int
	header http.Header
	body   []byte
	now    time.Time // the sender's clock, the box's if it did not say
	late   error     // set if time ran out, or the caller left, during the body
}

// serverTime prefers the Date header: on a box without a clock battery, a time
// in an answer only makes sense relative to the time of that answer.
func serverTime(header http.Header, clock clockwork.Clock) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return clock.Now()
}

// readJSON decodes the body into the struct v. Errors quote nothing of it: it
// holds tokens and the household's location.
func (a answer) readJSON(v any) error {
	switch {
	case a.isHTML():
		return errors.New("an HTML page instead of JSON: a captive portal?")
	case len(a.body) == 0:
		return errors.New("an empty answer instead of JSON")
	case !isJSON(a.mediaType()):
		return errors.New("an answer that does not say it is JSON")
	case json.Unmarshal(a.body, v) != nil:
		return errors.New("JSON that is cut off or broken")
	}
	return nil
}

func (a answer) mediaType() string {
	mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	return mediaType
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func isXML(mediaType string) bool { return mediaType == "application/xml" || mediaType == "text/xml" }

// date returns what the sender's clock said, if the answer looks like plex.tv's
// own and did not lie in a cache, where its date has grown old.
func (a answer) date() (time.Time, bool) {
	mediaType, age := a.mediaType(), a.header.Get("Age")
	if a.isHTML() || !isJSON(mediaType) && !isXML(mediaType) || age != "" && age != "0" {
		return time.Time{}, false
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	return date, err == nil
}

// acknowledged accepts what plex.tv may say where its answer is not documented
// and does not matter: nothing, JSON or XML. Others come from somebody in between.
func (a answer) acknowledged() error {
	mediaType := a.mediaType()
	if a.isHTML() || len(a.body) > 0 && !isJSON(mediaType) && !isXML(mediaType) {
		return errors.New("neither empty nor JSON nor XML: a captive portal?")
	}
	return nil
}

// isHTML also looks into the body: portals mislabel their pages.
func (a answer) isHTML() bool {
	if t := a.mediaType(); t == "text/html" || t == "application/xhtml+xml" {
		return true
	}
	start := bytes.TrimLeft(a.body, "\ufeff \t\r\n")
	start = bytes.ToLower(start[:min(len(start), len("<!doctype html"))])
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// loose is a JSON value whose type is not relied on: plex.tv has sent the same
// fields as numbers, strings and lists, booleans as 0 and "1". Null, lists and
// objects count as absent.
type loose struct {
	text string
	form byte // first byte of the JSON value, 0 if there was none
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *loose) UnmarshalJSON(raw []byte) error {
	*l = loose{form: raw[0]}
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, &l.text)
	case 'n':
		*l = loose{}
	case '{', '[':
	default:
		l.text = string(raw)
	}
	return nil
}

func (l loose) truth() bool { return l.text == "true" || l.text == "1" }

// word returns a string or number as a text of at most limit bytes, "" if absent.
func (l loose) word(field string, limit int) (string, error) {
	if l.form == 't' || l.form == 'f' {
		return "", nil
	}
	if len(l.text) > limit {
		return "", fmt.Errorf("field %s is longer than %d bytes", field, limit)
	}
	if strings.ContainsFunc(l.text, isControl) {
		return "", fmt.Errorf("field %s has control characters", field)
	}
	return l.text, nil
}

// seconds returns a duration within [0, longest], and false if it is no number.
func (l loose) seconds(longest time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(l.text, 64)
	if err != nil || n != n {
		return 0, false
	}
	return time.Duration(max(0, min(n, longest.Seconds())) * float64(time.Second)), true
}

// isControl also counts Unicode's line and paragraph separators, which break
// a line of a log as well.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// printable returns text on one line, without what a terminal would obey.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	words := []rune(strings.Join(strings.Fields(text), " "))
	return string(words[:min(len(words), 200)])
}
