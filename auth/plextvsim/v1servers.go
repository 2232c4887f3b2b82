// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"path"
	"strconv"
)

// v1ResourceDoc is a resource as /api/resources shows it: flags are digits and
// times are seconds, in both formats.
type v1ResourceDoc struct {
	Name                 string            `json:"name" xml:"name,attr"`
	Product              string            `json:"product" xml:"product,attr"`
	ProductVersion       string            `json:"productVersion" xml:"productVersion,attr"`
	Platform             string            `json:"platform" xml:"platform,attr"`
	PlatformVersion      string            `json:"platformVersion" xml:"platformVersion,attr"`
	Device               string            `json:"device" xml:"device,attr"`
	ClientIdentifier     string            `json:"clientIdentifier" xml:"clientIdentifier,attr"`
	CreatedAt            string            `json:"createdAt" xml:"createdAt,attr"`
	LastSeenAt           string            `json:"lastSeenAt" xml:"lastSeenAt,attr"`
	Provides             string            `json:"provides" xml:"provides,attr"`
	Owned                string            `json:"owned" xml:"owned,attr"`
	AccessToken          string            `json:"accessToken" xml:"accessToken,attr"`
	PublicAddress        string            `json:"publicAddress" xml:"publicAddress,attr"`
	HTTPSRequired        string            `json:"httpsRequired" xml:"httpsRequired,attr"`
	Synced               string            `json:"synced" xml:"synced,attr"`
	Relay                string            `json:"relay" xml:"relay,attr"`
	PublicAddressMatches string            `json:"publicAddressMatches" xml:"publicAddressMatches,attr"`
	Presence             string            `json:"presence" xml:"presence,attr"`
	SourceTitle          string            `json:"sourceTitle,omitempty" xml:"sourceTitle,attr,omitempty"`
	OwnerID              int64             `json:"ownerId,omitempty" xml:"ownerId,attr,omitempty"`
	Connections          []v1ConnectionDoc `json:"Connection" xml:"Connection"`
}

type v1ConnectionDoc struct {
	Protocol string `json:"protocol" xml:"protocol,attr"`
	Address  string `json:"address" xml:"address,attr"`
	Port     string `json:"port" xml:"port,attr"`
	URI      string `json:"uri" xml:"uri,attr"`
	Local    int    `json:"local" xml:"local,attr"`
	Relay    int    `json:"relay,omitempty" xml:"relay,attr,omitempty"`
}

// digit is the flag as the endpoints without a version write it.
func (f flag) digit() string {
	if f {
		return "1"
	}
	return "0"
}

func (f flag) number() int {
	if f {
		return 1
	}
	return 0
}

// knownSince is when everything in a list was made.
const knownSince = "1710675293"

// v1Resources answers GET /api/resources.
func (s *Sim) v1Resources(x *exchange, session *session) reply {
	resources := make([]v1ResourceDoc, 0, len(session.user.Resources))
	for _, resource := range session.user.Resources {
		resources = append(resources, resource.document(session, x).v1(x))
	}
	container := newV1Container(len(resources))
	container.Device = resources
	return container.reply()
}

// v1 is the same resource in the older form.
func (d resourceDoc) v1(x *exchange) v1ResourceDoc {
	old := v1ResourceDoc{
		Name: d.Name, Product: d.Product, ProductVersion: d.ProductVersion,
		Platform: d.Platform, PlatformVersion: d.PlatformVersion, Device: d.Device,
		ClientIdentifier: d.ClientIdentifier, Provides: d.Provides,
		CreatedAt: knownSince, LastSeenAt: strconv.FormatInt(x.plexTime().Unix(), 10),
		Owned: d.Owned.digit(), AccessToken: string(d.AccessToken), PublicAddress: d.PublicAddress,
		HTTPSRequired: d.HTTPSRequired.digit(), Synced: d.Synced.digit(), Relay: d.Relay.digit(),
		PublicAddressMatches: d.PublicAddressMatches.digit(), Presence: d.Presence.digit(),
		SourceTitle: string(d.SourceTitle), OwnerID: int64(d.OwnerID),
		Connections: make([]v1ConnectionDoc, 0, len(d.Connections)),
	}
	for _, c := range d.Connections {
		old.Connections = append(old.Connections, v1ConnectionDoc{
			c.Protocol, c.Address, strconv.Itoa(c.Port), c.URI, c.Local.number(), c.Relay.number(),
		})
	}
	return old
}

// v1ServerDoc is a media server as /api/servers shows it.
type v1ServerDoc struct {
	AccessToken       string         `json:"accessToken" xml:"accessToken,attr"`
	Name              string         `json:"name" xml:"name,attr"`
	Address           string         `json:"address" xml:"address,attr"`
	Port              int            `json:"port" xml:"port,attr"`
	Version           string         `json:"version" xml:"version,attr"`
	Scheme            string         `json:"scheme" xml:"scheme,attr"`
	Host              string         `json:"host" xml:"host,attr"`
	LocalAddresses    string         `json:"localAddresses" xml:"localAddresses,attr"`
	MachineIdentifier string         `json:"machineIdentifier" xml:"machineIdentifier,attr"`
	CreatedAt         string         `json:"createdAt" xml:"createdAt,attr"`
	UpdatedAt         int64          `json:"updatedAt" xml:"updatedAt,attr"`
	Owned             int            `json:"owned" xml:"owned,attr"`
	Synced            string         `json:"synced" xml:"synced,attr"`
	Sections          []v1SectionDoc `json:"Section,omitempty" xml:"Section"`
}

// v1SectionDoc is a library of a media server, which only the answer about one
// server has.
type v1SectionDoc struct {
	ID    int    `json:"id" xml:"id,attr"`
	Key   string `json:"key" xml:"key,attr"`
	Type  string `json:"type" xml:"type,attr"`
	Title string `json:"title" xml:"title,attr"`
}

// v1Servers answers GET /api/servers, and GET /api/servers/{machine id}.
func (s *Sim) v1Servers(x *exchange, session *session) reply {
	machine := path.Base(x.path)
	all := machine == "servers"
	servers := []v1ServerDoc{}
	for _, resource := range session.user.Resources {
		if resource.Provides != "server" || !all && resource.ClientIdentifier != machine {
			continue
		}
		server := resource.v1Server(session, x)
		if !all {
			server.Sections = []v1SectionDoc{{1, "1", "movie", "Movies"}}
		}
		servers = append(servers, server)
	}
	if !all && len(servers) == 0 {
		return refuse(codeNotFound)
	}
	container := newV1Container(len(servers))
	container.Server = servers
	return container.reply()
}

func (r Resource) v1Server(session *session, x *exchange) v1ServerDoc {
	d := r.document(session, x)
	server := v1ServerDoc{
		AccessToken: string(d.AccessToken), Name: d.Name, Version: d.ProductVersion, Scheme: "https", Port: 32400,
		MachineIdentifier: d.ClientIdentifier, CreatedAt: knownSince, UpdatedAt: x.plexTime().Unix(), Owned: d.Owned.number(),
	}
	for _, c := range d.Connections {
		if c.Local {
			server.LocalAddresses = c.Address
		} else if server.Address == "" {
			server.Address, server.Host, server.Port, server.Scheme = c.Address, c.Address, c.Port, c.Protocol
		}
	}
	return server
}
