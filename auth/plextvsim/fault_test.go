// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func TestFaultsAnswerFalsely(t *testing.T) {
	const page = `<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>`
	for name, c := range map[string]struct {
		fault  plextvsim.Fault
		status int
		header http.Header // an empty value: not there
		body   string
	}{
		"429": {plextvsim.Fault{Status: 429}, 429, http.Header{"Retry-After": {""}, "Content-Type": {jsonType}},
			`{"errors":[{"code":1003,"message":"API rate limit exceeded","status":429}]}`},
		"429 with Retry-After": {plextvsim.Fault{Status: 429, RetryAfter: "7"}, 429, http.Header{"Retry-After": {"7"}},
			`{"errors":[{"code":1003,"message":"API rate limit exceeded","status":429}]}`},
		"400": {plextvsim.Fault{Status: 400}, 400, nil, `{"errors":[{"code":1004,"message":"The request was malformed, missed a required parameter or contained invalid values for them","status":400}]}`},
		"401": {plextvsim.Fault{Status: 401}, 401, nil, noUserJSON},
		"403": {plextvsim.Fault{Status: 403}, 403, nil, `{"errors":[{"code":1009,"message":"Managed users aren't allowed to perform this action","status":403}]}`},
		"403 with another code": {plextvsim.Fault{Status: 403, Code: 1043}, 403, nil,
			`{"errors":[{"code":1043,"message":"This action is not available for this user","status":403}]}`},
		"code alone":   {plextvsim.Fault{Code: 1020}, 404, nil, pinGoneJSON},
		"unknown code": {plextvsim.Fault{Status: 410, Code: 1999}, 410, nil, `{"errors":[{"code":1999,"message":""}]}`},
		"422":          {plextvsim.Fault{Status: 422}, 422, nil, `{"errors":[{"message":"Invalid token","status":422}]}`},
		"500":          {plextvsim.Fault{Status: 500}, 500, nil, `{"errors":[{"code":1007,"message":"Internal Server Error. Something went wrong on our end","status":500}]}`},
		"502":          {plextvsim.Fault{Status: 502}, 502, http.Header{"Content-Type": {"text/html"}}, page},
		"wrong JSON":   {plextvsim.Fault{Body: `{"id":"`}, 200, http.Header{"Content-Type": {jsonType}}, `{"id":"`},
		"own error":    {plextvsim.Fault{Status: 503, Body: "x", ContentType: "text/plain"}, 503, http.Header{"Content-Type": {"text/plain"}}, "x"},
		"redirect":     {plextvsim.Fault{Location: "https://other.example/"}, 302, http.Header{"Location": {"https://other.example/"}}, ""},
		"redirect 307": {plextvsim.Fault{Status: 307, Location: "/x"}, 307, http.Header{"Location": {"/x"}}, ""},
		"empty":        {plextvsim.Fault{Status: 200}, 200, nil, ""},
		"portal":       {plextvsim.CaptivePortal(), 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, plextvsim.CaptivePortal().Body},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, plextvsim.Options{})
			b.sim.Fail(c.fault)
			a := b.send("POST", "/api/v2/pins", "")
			equal(t, "status", a.status, c.status)
			equal(t, "body", a.body, c.body)
			for name, values := range c.header {
				equal(t, name, a.header.Get(name), values[0])
			}
			equal(t, "PINs that came of it", len(b.sim.Pins()), 0)
		})
	}
}

func TestFaultsSpoilTheTrueAnswer(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(ann)
	want := b.send("GET", "/api/v2/user", "", as(token)...).body
	get := func(fault plextvsim.Fault) (answer, error) {
		fault.Times = 1
		b.sim.Fail(fault)
		return b.try("GET", "/api/v2/user", "", as(token)...)
	}
	a, err := get(plextvsim.Fault{ContentType: "text/html"})
	equal(t, "relabelled", a.header.Get("Content-Type")+a.body, "text/html"+want)
	equal(t, "relabelled", err, nil)

	a, err = get(plextvsim.Fault{PadTo: 2 << 20})
	equal(t, "padded", len(a.body), 2<<20)
	equal(t, "padded", strings.TrimRight(a.body, " "), want)
	equal(t, "padded", err, nil)

	a, err = get(plextvsim.Fault{CutOff: true})
	equal(t, "cut off", a.body, want[:len(want)/2])
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
	_, err = get(plextvsim.Fault{Reset: true, Status: 200})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	equal(t, "afterwards", b.send("GET", "/api/v2/user", "", as(token)...).body, want)
}

func TestFaultSkewsTheClock(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	equal(t, "Date", b.send("GET", "/", "").header.Get("Date"), "Thu, 15 Jan 2026 12:00:00 GMT")
	b.sim.Fail(plextvsim.Fault{Skew: -24 * time.Hour})
	a := b.send("POST", "/api/v2/pins", "")
	equal(t, "Date", a.header.Get("Date"), "Wed, 14 Jan 2026 12:00:00 GMT")
	equal(t, "times", between(t, a.body, `"expiresIn"`, `,"authToken"`), `:900,"createdAt":"2026-01-14T12:00:00Z","expiresAt":"2026-01-14T12:15:00Z"`)
	equal(t, "true creation", b.sim.Pins()[0].CreatedAt, start)
}

func TestFaultDelays(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.Fail(plextvsim.Fault{Delay: time.Minute, Status: 503, Times: 1})
	status := make(chan int)
	go func() {
		a, _ := b.try("GET", "/api/v2/ping", "")
		status <- a.status
	}()
	if err := b.clock.BlockUntilContext(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute - 1)
	select {
	case <-status:
		t.Fatal("answered before its time")
	default:
	}
	b.clock.Advance(1)
	equal(t, "status", <-status, 503)
}

func TestFaultEndsWithItsClient(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.Fail(plextvsim.Fault{Delay: time.Minute, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", b.server.URL+"/api/v2/ping", nil)
		if _, err := b.http.Do(r); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled request: %v", err)
		}
	}()
	if err := b.sim.Await(soon(t), 1, plextvsim.Ping); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := b.sim.AwaitAnswers(soon(t), 1, plextvsim.Ping); err != nil {
		t.Fatal(err)
	}
	equal(t, "status", b.sim.Requests()[0].Status, 0)
}

func TestFaultsAreAScript(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(ann)
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.GetUser, Status: 500, Times: 2})
	b.sim.Fail(plextvsim.Fault{Status: 429, Times: 1})
	b.sim.Fail(plextvsim.Fault{Endpoint: plextvsim.Ping, Status: 503})
	for i, c := range []struct {
		path   string
		status int
	}{
		{"/api/v2/user", 500},
		{"/api/v2/ping", 429},
		{"/api/v2/ping", 503},
		{"/api/v2/user", 500},
		{"/api/v2/user", 200},
		{"/api/v2/ping", 503},
	} {
		if a := b.send("GET", c.path, "", as(token)...); a.status != c.status {
			t.Errorf("step %d, %s: %d, want %d", i, c.path, a.status, c.status)
		}
	}
	b.sim.Clear()
	equal(t, "cleared", b.send("GET", "/api/v2/ping", "", as(token)...).status, http.StatusOK)
}

func TestFaultStallsInTheBody(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.Fail(plextvsim.Fault{Stall: true, Status: 502, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", b.server.URL+"/api/v2/ping", nil)
	a, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	half := make([]byte, a.ContentLength/2)
	if _, err := io.ReadFull(a.Body, half); err != nil {
		t.Error(err)
	}
	cancel()
	if more, err := io.ReadAll(a.Body); !errors.Is(err, context.Canceled) || len(more) > 0 {
		t.Errorf("%d bytes after half of the body, %v", len(more), err)
	}
	if err := b.sim.AwaitAnswers(soon(t), 1, plextvsim.Ping); err != nil {
		t.Fatal(err)
	}
}

func TestAFaultOfSomeTime(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.Fail(plextvsim.Fault{Status: 401, For: 8 * time.Second})
	b.clock.Advance(8*time.Second - 1)
	equal(t, "within it", b.send("POST", "/api/v2/pins", "").status, http.StatusUnauthorized)
	b.clock.Advance(1)
	equal(t, "after it", b.send("POST", "/api/v2/pins", "").status, http.StatusCreated)
}
