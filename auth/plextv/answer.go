// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/jonboulle/clockwork"
)

const (
	maxCode  = 64
	maxToken = 8 << 10
	maxText  = 2 << 10 // names, addresses, URLs of pictures
)

// answer is what plex.tv, or something between it and us, sent back.
type answer struct {
	status int
	header http.Header
	body   []byte    // whole, or the start of a list
	list   io.Reader // all of a list
	odd    func(field string)
	now    time.Time // the sender's clock, the box's if it did not say
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
	if err := a.checkLabel(); err != nil {
		return err
	}
	if json.Unmarshal(a.body, v) != nil {
		return errBroken
	}
	return nil
}

// readList gives each entry of a list to take, as [readEntries] does.
func (a answer) readList(take func(entry []byte) error) error {
	if err := a.checkLabel(); err != nil {
		return err
	}
	return readEntries(a.list, take)
}

// checkLabel returns an error unless the answer is meant to be JSON.
func (a answer) checkLabel() error {
	switch {
	case a.isHTML():
		return errors.New("an HTML page instead of JSON: a captive portal?")
	case len(a.body) == 0:
		return errors.New("an empty answer instead of JSON")
	case !isJSON(a.mediaType()):
		return errors.New("an answer that does not say it is JSON")
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
