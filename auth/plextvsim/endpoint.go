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

	SignIn Endpoint = "signin" // POST /api/v2/users/signin, /users/sign_in.xml, .json

	// Older ones, whose paths name no version.
	V1Account      Endpoint = "v1.account"       // GET /users/account
	V1Resources    Endpoint = "v1.resources"     // GET /api/resources
	V1Servers      Endpoint = "v1.servers"       // GET /api/servers, /api/servers/{machine id}
	V1Friends      Endpoint = "v1.users"         // GET /api/users/
	V1HomeUsers    Endpoint = "v1.home.users"    // GET /api/home/users
	V1SwitchUser   Endpoint = "v1.home.switch"   // POST /api/home/users/{id}/switch
	V1Devices      Endpoint = "v1.devices"       // GET /devices.xml, .json
	V1RemoveDevice Endpoint = "v1.device.remove" // DELETE /devices/{id}.xml, .json
)

// errNoJSON says that a body is empty or not labelled as JSON.
var errNoJSON = errors.New("no body that is labelled application/json")

// Any stands for every request, also to a path that is not served.
const Any Endpoint = ""

// handler gives an endpoint's reply to an exchange that names its client.
type handler func(*Sim, *exchange) reply

// signedIn makes a handler of what needs a token that is good; the simulator is locked
// meanwhile.
func signedIn(handle func(*Sim, *exchange, *session) reply) handler {
	return func(s *Sim, x *exchange) reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		session, refusal := s.authenticate(x)
		if session == nil {
			return refusal
		}
		return handle(s, x, session)
	}
}

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
		{LinkPin, http.MethodPut, "/api/v2/pins/link", signedIn((*Sim).linkPin)},
		{GetUser, http.MethodGet, "/api/v2/user", signedIn((*Sim).getUser)},
		{SignOut, http.MethodDelete, "/api/v2/users/signout", signedIn((*Sim).signOut)},
		{Ping, http.MethodGet, "/api/v2/ping", signedIn((*Sim).ping)},
		{Resources, http.MethodGet, "/api/v2/resources", signedIn((*Sim).getResources)},
		{RegisterKey, http.MethodPost, "/api/v2/auth/jwk", (*Sim).registerKey},
		{GetNonce, http.MethodGet, "/api/v2/auth/nonce", (*Sim).getNonce},
		{RefreshJWT, http.MethodPost, "/api/v2/auth/token", (*Sim).refreshJWT},
		{GetKeys, http.MethodGet, "/api/v2/auth/keys", (*Sim).getKeys},
		{HomeUsers, http.MethodGet, "/api/v2/home/users", signedIn((*Sim).getHomeUsers)},
		{SwitchUser, http.MethodPost, "/api/v2/home/users/*/switch", (*Sim).switchUser},
		{SignIn, http.MethodPost, "/api/v2/users/signin", (*Sim).signIn},
		{SignIn, http.MethodPost, "/users/sign_in", (*Sim).signIn},
		{V1Account, http.MethodGet, "/users/account", (*Sim).v1Account},
		{V1Resources, http.MethodGet, "/api/resources", signedIn((*Sim).v1Resources)},
		{V1Servers, http.MethodGet, "/api/servers", signedIn((*Sim).v1Servers)},
		{V1Servers, http.MethodGet, "/api/servers/*", signedIn((*Sim).v1Servers)},
		{V1Friends, http.MethodGet, "/api/users", signedIn((*Sim).v1Friends)},
		{V1HomeUsers, http.MethodGet, "/api/home/users", signedIn((*Sim).v1HomeUsers)},
		{V1SwitchUser, http.MethodPost, "/api/home/users/*/switch", (*Sim).v1SwitchUser},
		{V1Devices, http.MethodGet, "/devices", signedIn((*Sim).v1Devices)},
		{V1RemoveDevice, http.MethodDelete, "/devices/*", signedIn((*Sim).v1RemoveDevice)},
	}
}

// exchange is a request that has been read, on its way to its answer.
type exchange struct {
	endpoint  Endpoint
	request   *http.Request
	path      string // without .json or .xml, and without a slash at its end
	v1        bool   // of an older endpoint, whose path names no version
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
	trimmed = strings.TrimSuffix(trimmed, ".xml")
	x := &exchange{
		request:   r,
		path:      strings.TrimSuffix(trimmed, "/"),
		query:     r.URL.Query(),
		wantsJSON: suffixed || strings.Contains(r.Header.Get("Accept"), "application/json"),
	}
	x.body, _ = io.ReadAll(io.LimitReader(r.Body, bodyLimit)) // a client that went away needs no answer
	r.Body = io.NopCloser(bytes.NewReader(x.body))
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as one client leaves it to be guessed
	}
	_ = r.ParseForm() // what can be read of a malformed form is all there is
	x.form = r.PostForm
	for _, route := range s.routes {
		if match, _ := path.Match(route.path, x.path); match && route.method == r.Method {
			x.endpoint = route.endpoint
			if x.v1 = !strings.HasPrefix(route.path, "/api/v2/"); x.v1 {
				x.wantsJSON = suffixed // whatever Accept says
			}
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
