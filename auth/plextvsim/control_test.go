// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// control sends a command to the control handler.
func (b *box) control(method, target string) answer {
	recorder := httptest.NewRecorder()
	b.sim.Control().ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	body, _ := io.ReadAll(recorder.Body)
	return answer{recorder.Code, recorder.Header(), string(body)}
}

func TestControlClaimsExpiresRevokes(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	b.sim.AddUser(plextvsim.User{Username: "bob"})
	path, code := b.requestPin("")
	equal(t, "claim", b.control("POST", "/sim/claim?code="+strings.ToLower(code)).status, http.StatusOK)
	annToken := b.tokenOf(path)
	path, code = b.requestPin("?strong=1")
	equal(t, "claim", b.control("POST", "/sim/claim?user=bob&code="+code).body, "claimed "+code+"\n")
	bobToken := b.tokenOf(path)
	username := func(token string) string {
		a := b.send("GET", "/api/v2/user", "", as(token)...)
		if a.status != http.StatusOK {
			return http.StatusText(a.status)
		}
		return between(t, a.body, `"username":"`, `"`)
	}
	equal(t, "users", username(annToken)+" "+username(bobToken), "ann bob")
	for _, c := range [][3]string{
		{"revoke?user=bob", "2 tokens are now answered with status 401\n", "ann Unauthorized"},
		{"revoke?user=ann&status=422", "2 tokens are now answered with status 422\n", "Unprocessable Entity Unauthorized"},
		{"revoke?status=403", "4 tokens are now answered with status 403\n", "Forbidden Forbidden"},
		{"revoke?status=0", "4 tokens are now answered with status 0\n", "ann bob"},
	} {
		equal(t, c[0], b.control("POST", "/sim/"+c[0]).body, c[1])
		equal(t, c[0], username(annToken)+" "+username(bobToken), c[2])
	}
	path, code = b.requestPin("")
	equal(t, "expire", b.control("POST", "/sim/expire?code="+code).body, "expired "+code+"\n")
	equal(t, "expired", b.send("GET", path, "").body, pinGoneJSON)
}

func TestControlFails(t *testing.T) {
	for query, want := range map[string]string{
		"status=503":                            "503",
		"captive-portal=1":                      "200 text/html; charset=utf-8 <!DOCTYPE html>",
		"captive-portal=1&status=511":           "511 text/html; charset=utf-8 <!DOCTYPE html>",
		"endpoint=user&body=%7B":                "200 " + jsonType + " {",
		"status=500&content-type=x/y&body=oops": "500 x/y oops",
		"code=1041&status=403":                  `403 ` + jsonType + ` {"errors":[{"code":1041`,
		"pad-to=5000&status=500":                "500 " + jsonType + ` {"errors":[{"code":1007,`,
		"location=https://x.example/":           "302",
		"endpoint=ping&status=503":              "401",
		"reset=1":                               "0",
		"cut-off=1":                             "0",
	} {
		b := newBox(t, plextvsim.Options{})
		equal(t, query, b.control("POST", "/sim/fail?"+query).body, "failing\n")
		a, err := b.try("GET", "/api/v2/user", "")
		if err != nil {
			a = answer{}
		}
		got := fmt.Sprint(a.status, " ", a.header.Get("Content-Type"), " ", a.body)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
		b.control("POST", "/sim/clear")
		equal(t, query+", cleared", b.send("GET", "/api/v2/user", "").status, http.StatusUnauthorized)
	}
}

func TestControlFailCountsAndTimes(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.control("POST", "/sim/fail?status=429&retry-after=3&times=1&skew=-1h")
	a := b.send("GET", "/api/v2/user", "")
	equal(t, "retry-after", a.header.Get("Retry-After"), "3")
	equal(t, "date", a.header.Get("Date"), start.Add(-time.Hour).Format(http.TimeFormat))
	equal(t, "afterwards", b.send("GET", "/api/v2/user", "").status, http.StatusUnauthorized)
	b.control("POST", "/sim/fail?delay=2s")
	go func() { _, _ = b.try("GET", "/api/v2/user", "") }() // the test ends first
	if err := b.clock.BlockUntilContext(soon(t), 1); err != nil {
		t.Errorf("nobody waits: %v", err)
	}
}

func TestControlRefusesMistakes(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	_, code := b.requestPin("")
	for target, want := range map[string]answer{
		"POST /sim/claim":                          {status: 404, body: `claiming PIN "": no such PIN`},
		"POST /sim/claim?code=????":                {status: 404, body: `claiming PIN "????": no such PIN`},
		"POST /sim/claim?code=" + code + "&user=x": {status: 404, body: `user "x": no such user`},
		"POST /sim/claim?cod=" + code:              {status: 400, body: "cod: unknown argument; known are: code, user"},
		"POST /sim/expire?code=????":               {status: 404, body: `expiring PIN "????"`},
		"POST /sim/expire?x=1":                     {status: 400, body: "x: unknown argument"},
		"POST /sim/revoke?user=x":                  {status: 404, body: `user "x": no such user`},
		"POST /sim/revoke?status=1":                {status: 400, body: `status: "1" does not fit`},
		"POST /sim/revoke?x=1":                     {status: 400, body: "x: unknown argument"},
		"POST /sim/fail":                           {status: 400, body: "fail: say how"},
		"POST /sim/fail?times=3&endpoint=user":     {status: 400, body: "fail: say how"},
		"POST /sim/fail?status=99":                 {status: 400, body: `status: "99" does not fit`},
		"POST /sim/fail?status=abc":                {status: 400, body: `status: "abc" does not fit`},
		"POST /sim/fail?times=-1&status=500":       {status: 400, body: `times: "-1" does not fit`},
		"POST /sim/fail?pad-to=99999999999":        {status: 400, body: `pad-to: "99999999999" does not fit`},
		"POST /sim/fail?delay=5":                   {status: 400, body: `delay: "5" does not fit`},
		"POST /sim/fail?reset=maybe":               {status: 400, body: `reset: "maybe" does not fit`},
		"POST /sim/fail?status=500&endpoint=x":     {status: 400, body: `endpoint: "x" is not served`},
		"POST /sim/clear?x=1":                      {status: 400, body: "x: unknown argument"},
		"POST /sim/clear?%zz":                      {status: 400, body: "invalid URL escape"},
		"GET /sim/claim?code=" + code:              {status: 405},
		"GET /sim/":                                {status: 404},
	} {
		method, path, _ := strings.Cut(target, " ")
		a := b.control(method, path)
		equal(t, target, a.status, want.status)
		if !strings.Contains(a.body, want.body) {
			t.Errorf("%s: %s, want %s", target, a.body, want.body)
		}
	}
	equal(t, "claimed", b.sim.Pins()[0].ClaimedAt.IsZero(), true)
	equal(t, "nothing fails", b.send("GET", "/api/v2/user", "").status, http.StatusUnauthorized)
}

func TestControlState(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	path, code := b.requestPin("")
	b.control("POST", "/sim/claim?code="+code)
	token := b.tokenOf(path)
	b.send("DELETE", "/api/v2/users/signout", "", as(token)...)
	_, strong := b.requestPin("?strong=1")
	b.control("POST", "/sim/fail?status=500")
	b.clock.Advance(10 * time.Second)
	a := b.control("GET", "/sim/state")
	equal(t, "content type", a.header.Get("Content-Type"), "application/json")
	equal(t, "state", strings.Join(strings.Fields(a.body), ""), `{"pins":[`+
		`{"code":"`+code+`","product":"0","strong":false,"expires_in":890,"claimed":true},`+
		`{"code":"`+strong+`","product":"0","strong":true,"expires_in":1790,"claimed":false}],`+
		`"users":{"ann":1},"devices":[{"client":"`+clientID+`","user":"ann","key":false,"jwts":0}],"faults":1,"requests":{"pins.check":1,"pins.request":2,"signout":1}}`)
	empty := newBox(t, plextvsim.Options{}).control("GET", "/sim/state")
	equal(t, "at first", strings.Join(strings.Fields(empty.body), ""), `{"pins":[],"users":{},"devices":[],"faults":0,"requests":{}}`)
}
