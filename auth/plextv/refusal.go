// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter bounds what a Retry-After header can ask for.
const longestRetryAfter = time.Hour

// statusTokenExpired is Plex's own, documented for JWTs.
const statusTokenExpired = 498

// plexErrors is plex.tv's error body. plex.tv answers in XML where a proxy or
// an old endpoint has ignored the Accept header.
type plexErrors struct {
	known    bool // the body is plex.tv's
	code     int  // of the first error
	messages []string
}

// statusSaysAll holds for statuses whose meaning does not depend on the sender.
func statusSaysAll(status int) bool {
	return status == http.StatusTooManyRequests || status >= 500
}

// refusal returns the error for an answer that is not a success.
func (r request) refusal(a answer) *Error {
	body := a.readErrors()
	e := &Error{Op: r.op, Kind: r.kindOf(a, body), Status: a.status, Code: body.code, RetryAfter: a.retryAfter()}
	switch {
	case a.status >= 300 && a.status < 400:
		e.Err = fmt.Errorf("status %d, a redirect that is not followed: a captive portal?", a.status)
	case a.isHTML() && !body.known:
		e.Err = fmt.Errorf("status %d with an HTML page: a captive portal or a proxy?", a.status)
	case body.known:
		e.Err = fmt.Errorf("status %d, code %d: %s", a.status, body.code, r.clean(body.messages[0]))
	case len(a.body) > 0:
		e.Err = fmt.Errorf("status %d with a body that is not plex.tv's", a.status)
	default:
		e.Err = fmt.Errorf("status %d", a.status)
	}
	return e
}

func (r request) kindOf(a answer, body plexErrors) Kind {
	switch {
	case a.status == http.StatusTooManyRequests:
		return RateLimited
	case a.status >= 500:
		return ServerError
	case a.status < 400:
		return InvalidResponse
	case !body.known && (len(a.body) > 0 || a.isHTML()):
		// Somebody in between says this, so it says nothing about a token.
		return InvalidResponse
	}
	if kind, known := r.meanings[body.code]; known {
		return kind
	}
	switch a.status {
	case http.StatusUnauthorized:
		return Refused
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound, http.StatusGone:
		return Gone
	case http.StatusUnprocessableEntity:
		// Without a token in the question it means another one: a device JWT.
		if r.authorized && body.mentions("invalid token") {
			return Refused
		}
	case statusTokenExpired:
		return Stale
	}
	return Rejected
}

func (p plexErrors) mentions(lowerCase string) bool {
	for _, message := range p.messages {
		if strings.Contains(strings.ToLower(message), lowerCase) {
			return true
		}
	}
	return false
}

// readErrors reads the body as JSON and then as XML, whatever its label says.
func (a answer) readErrors() plexErrors {
	var inJSON struct {
		Errors []struct {
			Code    loose `json:"code"`
			Message loose `json:"message"`
		} `json:"errors"`
	}
	var found plexErrors
	if json.Unmarshal(a.body, &inJSON) == nil {
		for _, e := range inJSON.Errors {
			found.add(e.Code.text, e.Message.text)
		}
		return found
	}
	return readXMLErrors(a.body)
}

// readXMLErrors reads <errors><error code="1001" message="…"/></errors>. It goes
// through the elements itself: xml.Unmarshal adds 40 KiB to the daemon.
func readXMLErrors(body []byte) (found plexErrors) {
	var path []string // of the elements that are open
	var code, message string
	for decoder := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := decoder.Token()
		if err != nil {
			return plexErrors{} // not XML, or cut off
		}
		inError := len(path) == 2 && path[1] == "error"
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name.Local); path[0] != "errors" {
				return plexErrors{}
			}
			if len(path) == 2 {
				code, message = attribute(token, "code"), attribute(token, "message")+" "
			}
		case xml.CharData:
			if inError {
				message += string(token)
			}
		case xml.EndElement:
			if inError {
				found.add(code, strings.TrimSpace(message))
			}
			if path = path[:len(path)-1]; len(path) == 0 {
				return found
			}
		}
	}
}

// attribute returns the value of an attribute, "" if the element has none.
func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *plexErrors) add(code, message string) {
	if number, err := strconv.Atoi(code); err == nil && !p.known {
		p.code = number
	}
	p.known = true
	p.messages = append(p.messages, message)
}

// retryAfter reads the header's seconds or date, which counts from the time
// of the answer and not from the box's clock, that may be years off.
func (a answer) retryAfter() time.Duration {
	value := strings.TrimSpace(a.header.Get("Retry-After"))
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(max(0, min(seconds, int64(longestRetryAfter/time.Second)))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, min(date.Sub(a.now), longestRetryAfter))
}
