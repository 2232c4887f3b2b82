// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

const (
	refusedXML = `<?xml version="1.0" encoding="UTF-8"?><errors><error code="1001" message="User could not be authenticated" status="401"/></errors>`
	invalidXML = `<errors><error>Invalid token</error></errors>`
	page       = `<html><h1>Authorization required</h1></html>`
	html       = "text/html; charset=utf-8"
)

// statuses are answers with the kind, the code and the text of the error that they are.
var statuses = []struct {
	name      string
	status    int
	mediaType string
	body      string
	kind      plextv.Kind
	code      int
	says      string
}{
	{"401 JSON", 401, jsonType, badToken, plextv.Refused, 1001, "refused: status 401, code 1001: User could not be authenticated"},
	{"401 XML", 401, "application/xml", refusedXML, plextv.Refused, 1001, "User could not be authenticated"},
	{"401 mislabelled", 401, html, badToken, plextv.Refused, 1001, ""},
	{"401 text code", 401, jsonType, `{"errors":[{"code":"1001"}]}`, plextv.Refused, 1001, ""},
	{"401 empty", 401, "", "", plextv.Refused, 0, "status 401"},
	{"401 page", 401, html, page, plextv.InvalidResponse, 0, "a captive portal or a proxy?"},
	{"401 page as text", 401, "text/plain", page, plextv.InvalidResponse, 0, "a captive portal or a proxy?"},
	{"401 empty page", 401, html, "", plextv.InvalidResponse, 0, "captive portal"},
	{"401 other JSON", 401, jsonType, `{"error":"no"}`, plextv.InvalidResponse, 0, "not plex.tv's"},
	{"401 no errors", 401, jsonType, `{"errors":[]}`, plextv.InvalidResponse, 0, "not plex.tv's"},
	{"401 cut off", 401, jsonType, badToken[:40], plextv.InvalidResponse, 0, "not plex.tv's"},
	{"401 text", 401, "text/plain", "denied", plextv.InvalidResponse, 0, "not plex.tv's"},
	{"422 XML", 422, "application/xml", invalidXML, plextv.Refused, 0, "Invalid token"},
	{"422 JSON", 422, jsonType, `{"errors":[{"code":9,"message":"x"},{"code":8,"message":"INVALID TOKEN."}]}`, plextv.Refused, 9, ""},
	{"422 other", 422, jsonType, `{"errors":[{"code":1038,"message":"PIN must be 4 digits"}]}`, plextv.Rejected, 1038, ""},
	{"422 empty", 422, "", "", plextv.Rejected, 0, ""},
	{"422 page", 422, html, "<html>Invalid token", plextv.InvalidResponse, 0, ""},
	{"403 JSON", 403, jsonType, `{"errors":[{"code":1041,"message":"m"}]}`, plextv.Forbidden, 1041, ""},
	{"403 empty", 403, "", "", plextv.Forbidden, 0, ""},
	{"403 page", 403, html, page, plextv.InvalidResponse, 0, ""},
	{"404 JSON", 404, jsonType, unknown, plextv.Gone, 1020, "Code not found or expired"},
	{"404 empty", 404, "", "", plextv.Gone, 0, ""},
	{"404 page", 404, html, page, plextv.InvalidResponse, 0, ""},
	{"410 XML", 410, "text/xml", refusedXML, plextv.Gone, 1001, ""},
	{"400 JSON", 400, jsonType, `{"errors":[{"code":1000,"message":"X-Plex-Client-Identifier is missing"}]}`, plextv.Rejected, 1000, "is missing"},
	{"498 empty", 498, "", "", plextv.Stale, 0, "expired: status 498"},
	{"498 JSON", 498, jsonType, badToken, plextv.Stale, 1001, ""},
	{"498 page", 498, html, page, plextv.InvalidResponse, 0, ""},
	{"403 PIN", 403, jsonType, pinRefused, plextv.Forbidden, 1041, ""},
	{"401 key", 401, jsonType, noKey, plextv.Refused, 1097, ""},
	{"429 JSON", 429, jsonType, `{"errors":[{"code":1003,"message":"API rate limit exceeded"}]}`, plextv.RateLimited, 1003, "rate limited"},
	{"429 page", 429, html, page, plextv.RateLimited, 0, ""},
	{"500 empty", 500, "", "", plextv.ServerError, 0, ""},
	{"503 page", 503, html, page, plextv.ServerError, 0, ""},
	{"500 huge", 500, html, strings.Repeat("a", 2<<20), plextv.ServerError, 0, ""},
	{"dirty", 404, jsonType, `{"errors":[{"message":"a\u001b[31m\u202e\nb ` + strings.Repeat("é", 300) + `"}]}`,
		plextv.Gone, 0, "a [31m b " + strings.Repeat("é", 191)},
}

func TestStatusAndBodyDecideTheKind(t *testing.T) {
	for _, test := range statuses {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, reply(test.status, test.mediaType, test.body)).client(t)
			do := askUser
			if test.status >= 500 {
				do = check // is not tried again
			}
			e := failed(t, do(context.Background(), c), test.kind)
			if e.Status != test.status || e.Code != test.code {
				t.Errorf("status %d, code %d, want code %d", e.Status, e.Code, test.code)
			}
			if !strings.Contains(e.Error(), test.says) || strings.Contains(e.Error(), strings.Repeat("é", 192)) {
				t.Errorf("%q, want %q", e, test.says)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	// 0 stands for the client's own pause.
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 8 ": 8 * time.Second, "-5": 0, "3600": time.Hour, "3601": time.Hour,
		"99999999999999999999": time.Hour, "-99999999999999999999": 0, "soon": 0, "1.5": 0,
		"Fri, 15 Jan 2016 12:00:42 GMT": 42 * time.Second,
		"Fri, 15 Jan 2016 11:59:00 GMT": 0,
		"Sat, 15 Jan 2028 12:00:00 GMT": time.Hour,
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", "Fri, 15 Jan 2016 12:00:00 GMT")
			w.Header().Set("Retry-After", value)
			w.WriteHeader(429)
		})
		e := failed(t, exchange(context.Background(), s.client(t)), plextv.RateLimited)
		if own := e.RetryAfter >= 8*time.Second && e.RetryAfter <= 12*time.Second; e.RetryAfter != want && (want != 0 || !own) {
			t.Errorf("Retry-After %q: %s, want %s", value, e.RetryAfter, want)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for kind := plextv.Unreachable; kind <= plextv.PinRejected; kind++ {
		names[kind.String()] = true
	}
	if len(names) != 12 || names[fmt.Sprintf("kind %d", int(plextv.PinRejected))] {
		t.Errorf("names: %v", names)
	}
}
