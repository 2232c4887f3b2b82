// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Endpoint names one call of plex.tv's interface, in [Fault] and [Request].
type Endpoint string

// The endpoints that are served.
const (
	RequestPin Endpoint = "pins.request" // POST /api/v2/pins
	CheckPin   Endpoint = "pins.check"   // GET /api/v2/pins/{id}
	LinkPin    Endpoint = "pins.link"    // PUT /api/v2/pins/link
	GetUser    Endpoint = "user"         // GET /api/v2/user
	SignOut    Endpoint = "signout"      // DELETE /api/v2/users/signout
	Ping       Endpoint = "ping"         // GET /api/v2/ping
	Resources  Endpoint = "resources"    // GET /api/v2/resources

	RegisterKey Endpoint = "auth.jwk"   // POST /api/v2/auth/jwk
	GetNonce    Endpoint = "auth.nonce" // GET /api/v2/auth/nonce
	RefreshJWT  Endpoint = "auth.token" // POST /api/v2/auth/token
	GetKeys     Endpoint = "auth.keys"  // GET /api/v2/auth/keys

	HomeUsers  Endpoint = "home.users"  // GET /api/v2/home/users
	SwitchUser Endpoint = "home.switch" // POST /api/v2/home/users/{uuid}/switch
)

// errNoJSON says that a body is empty or not labelled as JSON.
var errNoJSON = errors.New("no body that is labelled application/json")

// Any stands for every request, also to a path that is not served.
const Any Endpoint = ""

// handler gives an endpoint's reply to an exchange that names its client.
type handler func(*Sim, *exchange) reply

// route is a row of the table of endpoints. In path, a * stands for one segment.
type route struct {
	endpoint     Endpoint
	method, path string
	handle       handler
}

func routes() []route {
	return []route{
		{RequestPin, http.MethodPost, "/api/v2/pins", (*Sim).requestPin},
		{CheckPin, http.MethodGet, "/api/v2/pins/*", (*Sim).checkPin},
		{LinkPin, http.MethodPut, "/api/v2/pins/link", (*Sim).linkPin},
		{GetUser, http.MethodGet, "/api/v2/user", (*Sim).getUser},
		{SignOut, http.MethodDelete, "/api/v2/users/signout", (*Sim).signOut},
		{Ping, http.MethodGet, "/api/v2/ping", (*Sim).ping},
		{Resources, http.MethodGet, "/api/v2/resources", (*Sim).getResources},
		{RegisterKey, http.MethodPost, "/api/v2/auth/jwk", (*Sim).registerKey},
		{GetNonce, http.MethodGet, "/api/v2/auth/nonce", (*Sim).getNonce},
		{RefreshJWT, http.MethodPost, "/api/v2/auth/token", (*Sim).refreshJWT},
		{GetKeys, http.MethodGet, "/api/v2/auth/keys", (*Sim).getKeys},
		{HomeUsers, http.MethodGet, "/api/v2/home/users", (*Sim).getHomeUsers},
		{SwitchUser, http.MethodPost, "/api/v2/home/users/*/switch", (*Sim).switchUser},
	}
}

// exchange is a request that has been read, on its way to its answer.
type exchange struct {
	endpoint  Endpoint
	request   *http.Request
	path      string // without .json
	query     url.Values
	form      url.Values
	body      []byte
	wantsJSON bool
	now       time.Time
	skew      time.Duration // how far the times in the answer are off
	log       string        // a line to write when the simulator is no longer locked
}

// bodyLimit bounds what is kept of a request's body.
const bodyLimit = 1 << 20

// receive reads a request and finds its endpoint's handler, nil if there is none.
func (s *Sim) receive(r *http.Request) (*exchange, handler) {
	trimmed, suffixed := strings.CutSuffix(r.URL.Path, ".json")
	x := &exchange{
		request:   r,
		path:      trimmed,
		query:     r.URL.Query(),
		wantsJSON: suffixed || strings.Contains(r.Header.Get("Accept"), "application/json"),
	}
	x.body, _ = io.ReadAll(io.LimitReader(r.Body, bodyLimit)) // a client that went away needs no answer
	r.Body = io.NopCloser(bytes.NewReader(x.body))
	_ = r.ParseForm() // what can be read of a malformed form is all there is
	x.form = r.PostForm
	for _, route := range s.routes {
		if match, _ := path.Match(route.path, x.path); match && route.method == r.Method {
			x.endpoint = route.endpoint
			return x, route.handle
		}
	}
	return x, nil
}

// param returns an X-Plex- value, which clients send as a header or an argument,
// or an argument of the endpoint.
func (x *exchange) param(name string) string {
	if value := x.request.Header.Get(name); value != "" && strings.HasPrefix(name, "X-Plex-") {
		return value
	}
	if value := x.query.Get(name); value != "" {
		return value
	}
	return x.form.Get(name)
}

// plexTime is what plex.tv takes for the time.
func (x *exchange) plexTime() time.Time { return x.now.Add(x.skew) }

// client is the client identifier that the request names.
func (x *exchange) client() string { return x.param("X-Plex-Client-Identifier") }

// decode reads a JSON body, which has to be labelled as such.
func (x *exchange) decode(into any) error {
	kind, _, _ := mime.ParseMediaType(x.request.Header.Get("Content-Type"))
	if kind != "application/json" || len(x.body) == 0 {
		return errNoJSON
	}
	return json.Unmarshal(x.body, into)
}

// truthy tells whether an argument is switched on, spelled 1, true, True, …
func (x *exchange) truthy(name string) bool {
	switch strings.ToLower(x.param(name)) {
	case "", "0", "false":
		return false
	}
	return true
}
