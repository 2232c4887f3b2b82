// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// fullPin has the fields and types of plex.tv's own answers.
const fullPin = `{"id":918273645,"code":"A1B2","product":"0","trusted":false,
 "qr":"https://plex.tv/api/v2/pins/qr/A1B2","clientIdentifier":"3f0c",
 "location":{"code":"BE","european_union_member":true,"city":"Ghent","coordinates":"51.0, 3.7"},
 "expiresIn":876,"createdAt":"2026-01-15T12:00:00Z","expiresAt":"2026-01-15T12:15:00Z",
 "authToken":"` + token + `","newRegistration":null}`

const fullUser = `{"id":42,"uuid":"ab12","username":"ann","title":"Ann É.","email":"a@example.org",
 "thumb":"https://plex.tv/users/ab12/avatar","joinedAt":1500000000,"home":true,"homeAdmin":true,
 "restricted":true,"anonymous":null,"authToken":"x","services":[{"token":"x"}],"subscription":{"features":[]}}`

// dated answers with a Date years off the box's clock.
func dated(date, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date)
		reply(200, "application/vnd.plex+json", body)(w, r)
	}
}

func TestPinsAreRead(t *testing.T) {
	const date = "Fri, 15 Jan 2016 12:00:00 GMT"
	weak := func(left time.Duration) plextv.Pin { return plextv.Pin{Code: "A1B2", ExpiresIn: left} }
	claimed := func(left time.Duration) plextv.Pin {
		return plextv.Pin{Code: "A1B2", ExpiresIn: left, Token: secret.New(token)}
	}
	for name, test := range map[string]struct {
		body string
		want plextv.Pin
	}{
		"all fields":          {fullPin, claimed(876 * time.Second)},
		"unclaimed":           {waiting, weak(876 * time.Second)},
		"no token at all":     {`{"id":918273645,"code":"A1B2","expiresIn":1}`, weak(time.Second)},
		"empty token":         {`{"id":918273645,"code":"A1B2","expiresIn":1,"authToken":""}`, weak(time.Second)},
		"strings for numbers": {`{"id":"918273645","code":"A1B2","expiresIn":"12.5"}`, weak(12500 * time.Millisecond)},
		"a number for a code": {`{"id":918273645,"code":1234,"expiresIn":1}`, plextv.Pin{Code: "1234", ExpiresIn: time.Second}},
		"expiry by date":      {`{"id":918273645,"code":"A1B2","expiresAt":"2016-01-15T12:14:00Z"}`, weak(14 * time.Minute)},
		"null, then date":     {`{"id":918273645,"code":"A1B2","expiresIn":null,"expiresAt":"2016-01-15T12:14:00Z"}`, weak(14 * time.Minute)},
		"already over":        {`{"id":918273645,"code":"A1B2","expiresIn":-5}`, weak(0)},
		"over by date":        {`{"id":918273645,"code":"A1B2","expiresAt":"2016-01-15T11:00:00Z"}`, weak(0)},
		"absurdly long":       {`{"id":918273645,"code":"A1B2","expiresIn":1e300}`, weak(24 * time.Hour)},
		"no expiry":           {`{"id":918273645,"code":"A1B2"}`, weak(15 * time.Minute)},
		"odd expiry":          {`{"id":918273645,"code":"A1B2","expiresIn":"NaN","expiresAt":"soon"}`, weak(15 * time.Minute)},
		"blank token":         {`{"id":918273645,"code":"A1B2","expiresIn":1,"authToken":" "}`, weak(time.Second)},
		"space around it all": {`{"id":" 918273645 ","code":" A1B2 ","expiresIn":1,"authToken":" ` + token + ` "}`, claimed(time.Second)},
		"boolean token":       {`{"id":918273645,"code":"A1B2","expiresIn":1,"authToken":false}`, weak(time.Second)},
		"object token":        {`{"id":918273645,"code":"A1B2","expiresIn":1,"authToken":{}}`, weak(time.Second)},
		"claimed, no expiry":  {`{"id":918273645,"code":"A1B2","authToken":"` + token + `"}`, claimed(0)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serve(t, dated(date, test.body)).client(t).
				CheckPin(context.Background(), plextv.Identity{}, secret.New(pinID), secret.String{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Code != test.want.Code || got.ExpiresIn != test.want.ExpiresIn {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if !got.ID.Equal(secret.New(pinID)) || !got.Token.Equal(test.want.Token) {
				t.Errorf("id %q, token %q", got.ID.Reveal(), got.Token.Reveal())
			}
		})
	}
}

func TestUsersAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want plextv.User
	}{
		"all fields": {fullUser, plextv.User{ID: "42", UUID: "ab12", Username: "ann", Title: "Ann É.", Email: "a@example.org",
			Thumb: "https://plex.tv/users/ab12/avatar", HomeAdmin: true, Restricted: true}},
		"managed":  {`{"id":"42","title":"Kid","username":null,"email":null}`, plextv.User{ID: "42", Title: "Kid"}},
		"friendly": {`{"id":42,"username":"ann","friendlyName":"Ann","title":""}`, plextv.User{ID: "42", Username: "ann", Title: "Ann"}},
		"mail":     {`{"id":42,"email":"a@example.org","title":null}`, plextv.User{ID: "42", Email: "a@example.org", Title: "a@example.org"}},
		"nameless": {`{"id":42,"username":{},"title":[1]}`, plextv.User{ID: "42"}},
		"control":  {`{"id":42,"username":"a\u0000","title":"\ufffeA\uD800\n"}`, plextv.User{ID: "42", Username: "a", Title: "\ufffdA\ufffd"}},
		"nested":   {`{"id":42,"uuid":{"id":1},"title":{"text":"x"},"username":"ann"}`, plextv.User{ID: "42", Username: "ann", Title: "ann"}},
		"long":     {`{"id":42,"title":"` + strings.Repeat("é", 1025) + `"}`, plextv.User{ID: "42", Title: strings.Repeat("é", 1024)}},
		"long ids": {`{"id":42,"title":"x","uuid":"` + strings.Repeat("u", 65) + `"}`, plextv.User{ID: "42", Title: "x"}},
		"drifted": {`{"id":42,"username":"ann","homeAdmin":1,"restricted":"0","thumb":["x"],"title":{},"email":false}`,
			plextv.User{ID: "42", Username: "ann", Title: "ann", HomeAdmin: true}},
		"drifted on": {`{"id":42,"username":"ann","homeAdmin":"1","restricted":"true"}`,
			plextv.User{ID: "42", Username: "ann", Title: "ann", HomeAdmin: true, Restricted: true}},
		"no booleans": {`{"id":42,"username":"ann","homeAdmin":[],"restricted":0}`, plextv.User{ID: "42", Username: "ann", Title: "ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serve(t, reply(200, jsonType, test.body)).client(t).
				User(context.Background(), plextv.Identity{}, secret.New(token))
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

// A claimed PIN is claimed, whatever else is missing.
func TestClaimedPins(t *testing.T) {
	for _, fields := range []string{
		``, `"id":true,`, `"id":null,"code":null,`, `"id":{},"code":[],"expiresIn":"x",`, `"code":"A\nB","expiresAt":7,`, `"id":"../x",`,
	} {
		got, err := serve(t, reply(200, jsonType, `{`+fields+`"authToken":"`+token+`"}`)).client(t).
			CheckPin(t.Context(), plextv.Identity{}, secret.New(pinID), secret.String{})
		if err != nil || !got.Token.Equal(secret.New(token)) {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
}

func TestUnusableAnswersAreInvalid(t *testing.T) {
	pin := func(fields string) http.HandlerFunc { return reply(200, jsonType, `{"expiresIn":9,`+fields+`}`) }
	user := func(fields string) http.HandlerFunc { return reply(200, jsonType, `{`+fields+`}`) }
	page := "<!DOCTYPE html><html><body>Log in to the hotel's network</body></html>"
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		do     func(context.Context, *plextv.Client) error
		says   string
	}{
		"portal":           {reply(200, "text/html", page), check, "an HTML page instead of JSON: a captive portal?"},
		"mislabelled page": {reply(200, jsonType, "\ufeff\n<HTML>"), check, "captive portal"},
		"page, no label":   {reply(200, "", page), askUser, "captive portal"},
		"no label":         {reply(200, "", waiting), check, "does not say it is JSON"},
		"XML":              {reply(200, "application/xml", `<pin id="1" code="A1B2"/>`), check, "does not say it is JSON"},
		"empty":            {reply(200, jsonType, ""), check, "empty answer"},
		"cut off JSON":     {reply(200, jsonType, waiting[:30]), check, "cut off or broken"},
		"garbage after":    {reply(200, jsonType, waiting+"x"), check, "cut off or broken"},
		"a second value":   {reply(200, jsonType, waiting+waiting), check, "cut off or broken"},
		"a list":           {reply(200, jsonType, "["+waiting+"]"), check, "cut off or broken"},
		"null":             {reply(200, jsonType, "null"), check, "no usable id"},
		"errors with 200":  {reply(200, jsonType, unknown), check, "no usable id"},
		"long token":       {pin(`"id":1,"code":"A","authToken":"` + strings.Repeat("t", 8<<10+1) + `"`), check, "longer than 8192"},
		"control token":    {pin(`"id":1,"code":"A","authToken":"a\nb"`), check, "control characters"},
		"new, no id":       {pin(`"code":"A1B2"`), requestPin, "no usable id"},
		"new, id true":     {pin(`"id":true,"code":"A1B2"`), requestPin, "no usable id"},
		"new, id path":     {pin(`"id":"../user","code":"A1B2"`), requestPin, "no usable id"},
		"new, no code":     {pin(`"id":1`), requestPin, "no code"},
		"new, bell":        {pin(`"id":1,"code":"A\u001bB"`), requestPin, "no code"},
		"new, separator":   {pin(`"id":1,"code":"A\u2028B"`), requestPin, "no code"},
		"new, long code":   {pin(`"id":1,"code":"` + strings.Repeat("A", 65) + `"`), requestPin, "no code"},
		"user, no id":      {user(`"username":"ann"`), askUser, "no id"},
		"oversized":        {reply(200, jsonType, waiting+strings.Repeat(" ", 1<<20)), check, "larger than 1 MiB"},
		"oversized 401":    {reply(401, jsonType, badToken+strings.Repeat(" ", 1<<20)), askUser, "larger than 1 MiB"},
		"odd success":      {reply(206, jsonType, waiting), check, "status 206"},
		"portal, sign-out": {reply(200, "text/html", ""), signOut, "captive portal"},
		"text, sign-out":   {reply(200, "text/plain", "OK"), signOut, "does not say it is JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			e := failed(t, test.do(context.Background(), s.client(t)), plextv.InvalidResponse)
			if !strings.Contains(e.Error(), test.says) || e.Status == 0 {
				t.Errorf("%v (status %d), want %q", e, e.Status, test.says)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func signOut(ctx context.Context, c *plextv.Client) error {
	return c.SignOut(ctx, plextv.Identity{}, secret.New(token))
}

func TestJustSmallEnough(t *testing.T) {
	body := waiting + strings.Repeat(" ", 1<<20-len(waiting))
	if err := check(context.Background(), serve(t, reply(200, jsonType, body)).client(t)); err != nil {
		t.Error(err)
	}
	for _, answer := range []http.HandlerFunc{reply(204, "", ""), reply(200, "", ""), reply(200, jsonType, "{}")} {
		if err := signOut(context.Background(), serve(t, answer).client(t)); err != nil {
			t.Error(err)
		}
	}
}
