// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const (
	pinGoneJSON = `{"errors":[{"code":1020,"message":"Code not found or expired"}]}`
	xmlHead     = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	jsonType    = "application/json; charset=utf-8"
	xmlType     = "application/xml; charset=utf-8"
)

func TestPinOnTheWire(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	inJSON := b.send("POST", "/api/v2/pins", "", "X-Plex-Product", `Retune & "Co"`)
	inXML := b.send("POST", "/api/v2/pins?strong=true", "", "Accept", "*/*", "X-Plex-Product", `Retune & "Co"`)
	pins := b.sim.Pins()
	fill := func(text, id, code string) string {
		return strings.NewReplacer("ID", id, "CODE", code, "CLIENT", clientID).Replace(text)
	}
	equal(t, "status", inJSON.status, http.StatusCreated)
	equal(t, "content type", inJSON.header.Get("Content-Type"), jsonType)
	equal(t, "JSON", inJSON.body, fill(`{"id":ID,"code":"CODE","product":"Retune & \"Co\"","trusted":false,`+
		`"qr":"https://plex.tv/api/v2/pins/qr/CODE","clientIdentifier":"CLIENT",`+
		`"location":{"code":"PT","european_union_member":true,"continent_code":"EU","country":"Portugal",`+
		`"city":"Porto","time_zone":"Europe/Lisbon","postal_code":"4000","in_privacy_restricted_country":true,`+
		`"in_privacy_restricted_region":true,"subdivisions":"Porto","coordinates":"41.1496, -8.611"},`+
		`"expiresIn":900,"createdAt":"2026-01-15T12:00:00Z","expiresAt":"2026-01-15T12:15:00Z",`+
		`"authToken":null,"newRegistration":null}`, between(t, inJSON.body, `"id":`, ","), pins[0].Code))

	equal(t, "status", inXML.status, http.StatusCreated)
	equal(t, "content type", inXML.header.Get("Content-Type"), xmlType)
	equal(t, "XML", inXML.body, fill(xmlHead+`<pin id="ID" code="CODE" product="Retune &amp; &#34;Co&#34;" trusted="0" `+
		`qr="https://plex.tv/api/v2/pins/qr/CODE" clientIdentifier="CLIENT" `+
		`expiresIn="1800" createdAt="2026-01-15 12:00:00 UTC" expiresAt="2026-01-15 12:30:00 UTC" `+
		`authToken="" newRegistration="">`+
		`<location code="PT" european_union_member="1" continent_code="EU" country="Portugal" city="Porto" `+
		`time_zone="Europe/Lisbon" postal_code="4000" in_privacy_restricted_country="1" `+
		`in_privacy_restricted_region="1" subdivisions="Porto" coordinates="41.1496, -8.611"></location></pin>`,
		between(t, inXML.body, `<pin id="`, `"`), pins[1].Code))
}

func TestPinLengthAndLifetime(t *testing.T) {
	for name, c := range map[string]struct {
		query, form string
		header      []string
		code        *regexp.Regexp
		lifetime    time.Duration
	}{
		"weak":              {code: regexp.MustCompile(`^[A-Z0-9]{4}$`), lifetime: 900 * time.Second},
		"not strong":        {query: "?strong=false", code: regexp.MustCompile(`^[A-Z0-9]{4}$`), lifetime: 900 * time.Second},
		"strong":            {query: "?strong=true", code: regexp.MustCompile(`^[a-z0-9]{25}$`), lifetime: 1800 * time.Second},
		"strong, by header": {header: []string{"Strong", "true"}, code: regexp.MustCompile(`^[A-Z0-9]{4}$`), lifetime: 900 * time.Second},
		"strong, by form":   {form: "strong=true", code: regexp.MustCompile(`^[a-z0-9]{25}$`), lifetime: 1800 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, plextvsim.Options{})
			created := b.send("POST", "/api/v2/pins"+c.query, c.form, c.header...)
			path := "/api/v2/pins/" + between(t, created.body, `"id":`, ",")
			if code := between(t, created.body, `"code":"`, `"`); !c.code.MatchString(code) {
				t.Errorf("code %q does not match %v", code, c.code)
			}
			b.clock.Advance(c.lifetime - 24*time.Second - 300*time.Millisecond)
			equal(t, "remaining", between(t, b.send("GET", path, "").body, `"expiresIn":`, ","), "25")
			b.clock.Advance(24 * time.Second)
			last := b.send("GET", path+".json", "", "Accept", "-")
			equal(t, "status in the last second", last.status, http.StatusOK)
			equal(t, "content type by suffix", last.header.Get("Content-Type"), jsonType)
			b.clock.Advance(300 * time.Millisecond)
			gone := b.send("GET", path, "")
			equal(t, "status afterwards", gone.status, http.StatusNotFound)
			equal(t, "body afterwards", gone.body, pinGoneJSON)
		})
	}
}

func TestPinIsForItsClientOnly(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	path, _ := b.requestPin("")
	for name, c := range map[string]struct {
		path   string
		header []string
		status int
		body   string
	}{
		"its client":         {path, nil, 200, ""},
		"by query":           {path + "?X-Plex-Client-Identifier=" + clientID, []string{"X-Plex-Client-Identifier", "-"}, 200, ""},
		"another client":     {path, []string{"X-Plex-Client-Identifier", "other"}, 404, pinGoneJSON},
		"no client":          {path, []string{"X-Plex-Client-Identifier", "-"}, 400, `{"errors":[{"code":1000,"message":"X-Plex-Client-Identifier is missing","status":400}]}`},
		"no client, in XML":  {path, []string{"X-Plex-Client-Identifier", "-", "Accept", "-"}, 400, xmlHead + `<errors><error code="1000" message="X-Plex-Client-Identifier is missing" status="400"></error></errors>`},
		"unknown PIN":        {"/api/v2/pins/1", nil, 404, pinGoneJSON},
		"unknown PIN in XML": {"/api/v2/pins/1", []string{"Accept", "text/xml"}, 404, xmlHead + `<errors><error code="1020" message="Code not found or expired"></error></errors>`},
		"not a number":       {"/api/v2/pins/x", nil, 404, pinGoneJSON},
	} {
		a := b.send("GET", c.path, "", c.header...)
		equal(t, name, a.status, c.status)
		if c.body != "" {
			equal(t, name, a.body, c.body)
		}
	}
}

func TestClaimGivesTheToken(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	phone := b.sim.AddUser(plextvsim.User{Username: "ann"})
	for name, claim := range map[string]func(code string) error{
		"by a person":             func(code string) error { return b.sim.Claim(strings.ToLower(code), phone) },
		"by nobody in particular": func(code string) error { return b.sim.Claim(code, "") },
		"by link": func(code string) error {
			a := b.send("PUT", "/api/v2/pins/link", form("code", code), as(phone)...)
			equal(t, "body of link", a.body, "")
			if a.status != http.StatusNoContent {
				return errors.New(a.body)
			}
			return nil
		},
		"by link.json": func(code string) error {
			equal(t, "link.json", b.send("PUT", "/api/v2/pins/link.json", form("code", code), as(phone)...).status, 204)
			return nil
		},
	} {
		for _, query := range []string{"", "?strong=true"} {
			path, code := b.requestPin(query)
			equal(t, name+": token before", b.tokenOf(path), "")
			b.clock.Advance(time.Second)
			if err := claim(code); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			token := b.tokenOf(path)
			equal(t, name+": length of the token", len(token), 20)
			if token == phone {
				t.Errorf("%s: the PIN's device got the token of another", name)
			}
			equal(t, name+": user", between(t, b.send("GET", "/api/v2/user", "", as(token)...).body, `"username":"`, `"`), "ann")
			pins := b.sim.Pins()
			equal(t, name+": claimed at", pins[len(pins)-1].ClaimedAt, b.clock.Now())
			equal(t, name+": read at", pins[len(pins)-1].TokenReadAt, b.clock.Now())
		}
	}
}

func TestLinkRefuses(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(plextvsim.User{})
	_, code := b.requestPin("")
	_, claimed := b.requestPin("")
	_, expired := b.requestPin("")
	if err := errors.Join(b.sim.Claim(claimed, token), b.sim.ExpirePin(expired)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ code, token, body string }{
		"without a token": {code, "", `{"errors":[{"code":1001,"message":"User could not be authenticated","status":401}]}`},
		"no code":         {"", token, pinGoneJSON},
		"unknown code":    {"????", token, pinGoneJSON},
		"claimed code":    {claimed, token, pinGoneJSON},
		"expired code":    {expired, token, pinGoneJSON},
	} {
		equal(t, name, b.send("PUT", "/api/v2/pins/link", form("code", c.code), as(c.token)...).body, c.body)
	}
	for name, err := range map[string]error{
		"claiming a claimed PIN":  b.sim.Claim(claimed, token),
		"claiming an expired PIN": b.sim.Claim(expired, token),
		"expiring an expired PIN": b.sim.ExpirePin(expired),
	} {
		if !errors.Is(err, plextvsim.ErrNoPin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	revoked := b.sim.AddUser(plextvsim.User{})
	if err := b.sim.Revoke(revoked); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"nobody's", revoked} {
		if err := b.sim.Claim(code, token); !errors.Is(err, plextvsim.ErrNoToken) || strings.Contains(err.Error(), token) {
			t.Errorf("claiming with a token that is not good: %v", err)
		}
	}
}

func TestReadingAClaimedPinAgain(t *testing.T) {
	for name, once := range map[string]bool{"kept": false, "once": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, plextvsim.Options{TokenOnce: once})
			path, code := b.requestPin("")
			equal(t, "before the claim", b.tokenOf(path)+b.tokenOf(path), "")
			if err := b.sim.Claim(code, ""); err != nil {
				t.Fatal(err)
			}
			first, second := b.tokenOf(path), b.tokenOf(path)
			equal(t, "length at first", len(first), 20)
			equal(t, "gone at second", second == "", once)
			b.clock.Advance(plextvsim.WeakLifetime)
			equal(t, "status when expired", b.send("GET", path, "").status, http.StatusNotFound)
		})
	}
}

// lines is a log that can be waited for.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

func TestClaimAfterAndLog(t *testing.T) {
	log := make(lines, 10)
	b := newBox(t, plextvsim.Options{ClaimAfter: 5 * time.Second, Log: log})
	b.sim.AddUser(plextvsim.User{Username: "ann"})
	path, code := b.requestPin("")
	equal(t, "log", <-log, "PIN "+code+" requested, valid for 15m0s\n")
	b.clock.Advance(5*time.Second - 1)
	equal(t, "too early", b.tokenOf(path), "")
	b.clock.Advance(1)
	equal(t, "log", <-log, "PIN "+code+" claimed by ann\n")
	b.send("DELETE", "/api/v2/users/signout", "", as(b.tokenOf(path))...)
	equal(t, "log", <-log, "ann signed out\n")

	_, code = b.requestPin("")
	b.send("PUT", "/api/v2/pins/link", form("code", code), as(b.sim.AddUser(plextvsim.User{Username: "bob"}))...)
	<-log
	equal(t, "log", <-log, "PIN "+code+" claimed by bob\n")
}
