// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"net/http"
	"strings"
)

// MediaServer is a simulated media server: an [http.Handler] that knows which
// tokens plex.tv gave out for it. Make one with [Sim.MediaServer].
type MediaServer struct {
	sim     *Sim
	machine string
}

// MediaServer returns the media server with the machine id, which is the
// ClientIdentifier of a [Resource]. It answers /identity to everybody, / and
// /library/sections to who has a token for it; 401 with an HTML page is for all
// others, those with an account's JWT among them.
func (s *Sim) MediaServer(machineID string) *MediaServer {
	return &MediaServer{sim: s, machine: machineID}
}

// Start serves plain HTTP on a free port of 127.0.0.1. It panics if it cannot. For
// another address, or HTTPS, there is [Listen].
func (m *MediaServer) Start() *Server { return mustListen(m, false) }

// grant is one token that one media server accepts.
type grant struct{ machine, token string }

// grant lets the user's tokens in at the media servers.
func (s *Sim) grant(user *User) {
	for _, resource := range user.Resources {
		if resource.AccessToken != "" {
			s.servers[grant{resource.ClientIdentifier, resource.AccessToken}] = true
		}
	}
}

// RotateServerTokens makes the media server with the machine id, all if "", accept
// only tokens that resources give out from now on, owned servers too: those have
// then tokens of their own and refuse the account's.
func (s *Sim) RotateServerTokens(machineID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range s.users {
		for i := range user.Resources {
			resource := &user.Resources[i]
			if resource.Provides == "server" && (machineID == "" || resource.ClientIdentifier == machineID) {
				delete(s.servers, grant{resource.ClientIdentifier, resource.AccessToken})
				resource.AccessToken = randomText(tokenAlphabet, 20)
			}
		}
		s.grant(user)
	}
}

// letsIn tells whether the media server accepts the token.
func (m *MediaServer) letsIn(token string) bool {
	s := m.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[grant{m.machine, token}] {
		return true
	}
	session, _ := s.sessionOf(token, s.clock.Now())
	if session == nil || session.jwt && !s.options.ServersAcceptJWT {
		return false
	}
	for _, resource := range session.user.Resources {
		if resource.ClientIdentifier == m.machine && resource.Owned {
			return session.jwt || resource.AccessToken == ""
		}
	}
	return false
}

// ServeHTTP answers as a media server does.
func (m *MediaServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		request: r, query: r.URL.Query(), now: m.sim.clock.Now(),
		wantsJSON: strings.Contains(r.Header.Get("Accept"), "application/json"),
	}
	container := containerDoc{Machine: m.machine, Version: serverVersion, Claimed: true}
	switch {
	case r.URL.Path == "/identity":
	case !m.letsIn(x.param("X-Plex-Token")):
		htmlAnswer(http.StatusUnauthorized).write(w, x.now)
		return
	case r.URL.Path == "/":
		container = m.root()
	case r.URL.Path == "/library/sections":
		container = containerDoc{Size: 1, Directories: []directoryDoc{{"1", "movie", "Movies"}}}
	default:
		htmlAnswer(http.StatusNotFound).write(w, x.now)
		return
	}
	a := render(x, reply{http.StatusOK, list{items: map[string]any{"MediaContainer": container}, element: container}})
	a.header.Set("Content-Type", "text/xml;charset=utf-8")
	if x.wantsJSON {
		a.header.Set("Content-Type", "application/json") // nothing after it, or plex-api takes it for something else
	}
	a.write(w, x.now)
}

// containerDoc is what all answers of a media server are.
type containerDoc struct {
	XMLName     xml.Name       `json:"-" xml:"MediaContainer"`
	Size        int            `json:"size" xml:"size,attr"`
	Claimed     flag           `json:"claimed,omitempty" xml:"claimed,attr,omitempty"`
	Machine     string         `json:"machineIdentifier,omitempty" xml:"machineIdentifier,attr,omitempty"`
	Version     string         `json:"version,omitempty" xml:"version,attr,omitempty"`
	Directories []directoryDoc `json:"Directory,omitempty" xml:"Directory"`

	// Only of the root.
	FriendlyName       string `json:"friendlyName,omitempty" xml:"friendlyName,attr,omitempty"`
	MyPlex             flag   `json:"myPlex,omitempty" xml:"myPlex,attr,omitempty"`
	MyPlexMappingState string `json:"myPlexMappingState,omitempty" xml:"myPlexMappingState,attr,omitempty"`
	MyPlexSigninState  string `json:"myPlexSigninState,omitempty" xml:"myPlexSigninState,attr,omitempty"`
	MyPlexUsername     string `json:"myPlexUsername,omitempty" xml:"myPlexUsername,attr,omitempty"`
	OwnerFeatures      string `json:"ownerFeatures,omitempty" xml:"ownerFeatures,attr,omitempty"`
	Platform           string `json:"platform,omitempty" xml:"platform,attr,omitempty"`
	PlatformVersion    string `json:"platformVersion,omitempty" xml:"platformVersion,attr,omitempty"`
	UpdatedAt          int64  `json:"updatedAt,omitempty" xml:"updatedAt,attr,omitempty"`
}

// root is what the media server says of itself to who has a token.
func (m *MediaServer) root() containerDoc {
	s := m.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	document := containerDoc{
		Size: 1, Machine: m.machine, Version: serverVersion, Claimed: true,
		MyPlex: true, MyPlexMappingState: "mapped", MyPlexSigninState: "ok",
		OwnerFeatures: "companions_sonos,home",
		Platform:      "Linux", PlatformVersion: "12", UpdatedAt: s.clock.Now().Unix(),
		Directories: []directoryDoc{{"library", "", "library"}},
	}
	for _, user := range s.users {
		for _, resource := range user.Resources {
			if resource.Owned && resource.ClientIdentifier == m.machine {
				document.FriendlyName, document.MyPlexUsername = resource.Name, user.Email
			}
		}
	}
	return document
}

// directoryDoc is a library.
type directoryDoc struct {
	Key   string `json:"key" xml:"key,attr"`
	Type  string `json:"type" xml:"type,attr"`
	Title string `json:"title" xml:"title,attr"`
}
