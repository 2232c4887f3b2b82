// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Resource is a media server or player in an account's list of resources.
// [Sim.AddUser] fills fields in that are empty.
type Resource struct {
	Name             string
	ClientIdentifier string // the machine id, 40 hexadecimal digits for a media server
	Provides         string // "server" if empty; players say "client,player"
	Owned            bool   // the account's own; otherwise somebody shares it
	Home             bool   // shared within a Plex Home
	Offline          bool
	SourceTitle      string // who shares it
	OwnerID          int64  // the account of who shares it
	// AccessToken is what this server accepts from the account. If empty, a shared
	// one gets a random one and an owned one accepts the account's opaque tokens.
	AccessToken string
	NoToken     bool // plex.tv gives no token for it: null
	Connections []Connection
}

// Connection is one way to reach a [Resource].
type Connection struct {
	Address string // IP address
	Port    int    // 32400 if 0
	URI     string // the plex.direct name of the address if empty
	Local   bool
	Relay   bool // listed only with includeRelay=1
	IPv6    bool // listed only with includeIPv6=1
}

// serverVersion is the version that refused JWTs when that was looked at.
const serverVersion = "1.43.3.10793-cdb1b5f21"

// SampleResources returns an owned and a shared media server with local, relay
// and IPv6 connections, and a player.
func SampleResources() []Resource {
	return []Resource{
		{Name: "Living Room", Owned: true, Connections: []Connection{
			{Address: "192.168.1.10", Local: true},
			{Address: "2001:db8::10", Local: true, IPv6: true},
			{Address: "203.0.113.7"},
			{Address: "198.51.100.20", Port: 8443, Relay: true},
		}},
		{Name: "Friend's", SourceTitle: "friend", OwnerID: 2000001, Connections: []Connection{
			{Address: "203.0.113.99"},
		}},
		{Name: "Kitchen TV", Owned: true, Provides: "client,player", Offline: true},
	}
}

func (r Resource) filled() Resource {
	fill(&r.Provides, "server")
	fill(&r.ClientIdentifier, randomText(hexDigits, 40))
	if !r.Owned {
		fill(&r.AccessToken, randomText(tokenAlphabet, 20))
	}
	connections := make([]Connection, 0, len(r.Connections))
	for _, c := range r.Connections {
		if c.Port == 0 {
			c.Port = 32400
		}
		host := strings.NewReplacer(".", "-", ":", "-").Replace(c.Address)
		fill(&c.URI, fmt.Sprintf("https://%s.%.32s.plex.direct:%d", host, r.ClientIdentifier, c.Port))
		connections = append(connections, c)
	}
	r.Connections = connections
	return r
}

func (s *Sim) getResources(x *exchange, session *session) reply {
	documents := make([]resourceDoc, 0, len(session.user.Resources))
	for _, resource := range session.user.Resources {
		documents = append(documents, resource.document(session, x))
	}
	return reply{http.StatusOK, list{items: documents, element: resourcesDoc{Resources: documents}}}
}

type resourcesDoc struct {
	XMLName   xml.Name      `xml:"resources"`
	Resources []resourceDoc `xml:"resource"`
}

// resourceDoc is a resource on the wire. Its dates look the same in both formats.
type resourceDoc struct {
	Name                   string          `json:"name" xml:"name,attr"`
	Product                string          `json:"product" xml:"product,attr"`
	ProductVersion         string          `json:"productVersion" xml:"productVersion,attr"`
	Platform               string          `json:"platform" xml:"platform,attr"`
	PlatformVersion        string          `json:"platformVersion" xml:"platformVersion,attr"`
	Device                 string          `json:"device" xml:"device,attr"`
	ClientIdentifier       string          `json:"clientIdentifier" xml:"clientIdentifier,attr"`
	CreatedAt              string          `json:"createdAt" xml:"createdAt,attr"`
	LastSeenAt             string          `json:"lastSeenAt" xml:"lastSeenAt,attr"`
	Provides               string          `json:"provides" xml:"provides,attr"`
	OwnerID                nullableID      `json:"ownerId" xml:"ownerId,attr"`
	SourceTitle            nullable        `json:"sourceTitle" xml:"sourceTitle,attr"`
	PublicAddress          string          `json:"publicAddress" xml:"publicAddress,attr"`
	AccessToken            nullable        `json:"accessToken" xml:"accessToken,attr"`
	Owned                  flag            `json:"owned" xml:"owned,attr"`
	Home                   flag            `json:"home" xml:"home,attr"`
	Synced                 flag            `json:"synced" xml:"synced,attr"`
	Relay                  flag            `json:"relay" xml:"relay,attr"`
	Presence               flag            `json:"presence" xml:"presence,attr"`
	HTTPSRequired          flag            `json:"httpsRequired" xml:"httpsRequired,attr"`
	PublicAddressMatches   flag            `json:"publicAddressMatches" xml:"publicAddressMatches,attr"`
	DNSRebindingProtection flag            `json:"dnsRebindingProtection" xml:"dnsRebindingProtection,attr"`
	NATLoopbackSupported   flag            `json:"natLoopbackSupported" xml:"natLoopbackSupported,attr"`
	Connections            []connectionDoc `json:"connections" xml:"connections>connection"`
}

type connectionDoc struct {
	Protocol string `json:"protocol" xml:"protocol,attr"`
	Address  string `json:"address" xml:"address,attr"`
	Port     int    `json:"port" xml:"port,attr"`
	URI      string `json:"uri" xml:"uri,attr"`
	Local    flag   `json:"local" xml:"local,attr"`
	Relay    flag   `json:"relay" xml:"relay,attr"`
	IPv6     flag   `json:"IPv6" xml:"IPv6,attr"`
}

// document shows the resource to its user. An owned one has the JWT that asked
// for its access token, of which it wants to hear nothing: so seen of plex.tv.
func (r Resource) document(session *session, x *exchange) resourceDoc {
	document := resourceDoc{
		Name: r.Name, Product: "Plex Media Server", ProductVersion: serverVersion,
		Platform: "Linux", PlatformVersion: "12", Device: "PC",
		ClientIdentifier: r.ClientIdentifier, CreatedAt: "2024-03-17T11:34:53Z", LastSeenAt: isoTime(x.now.Add(x.skew)),
		Provides: r.Provides, OwnerID: nullableID(r.OwnerID), SourceTitle: nullable(r.SourceTitle),
		PublicAddress: publicAddress, AccessToken: nullable(r.AccessToken),
		Owned: flag(r.Owned), Home: flag(r.Home), Presence: flag(!r.Offline), NATLoopbackSupported: true,
		Connections: []connectionDoc{},
	}
	if r.Provides != "server" {
		document.Product, document.Device = "Plex HTPC", "TV"
	}
	if document.AccessToken == "" || r.Owned && session.jwt {
		document.AccessToken = nullable(session.token)
	}
	if r.NoToken {
		document.AccessToken = ""
	}
	for _, c := range r.Connections {
		document.Relay = document.Relay || flag(c.Relay)
		if (c.Relay && !x.truthy("includeRelay")) || (c.IPv6 && !x.truthy("includeIPv6")) {
			continue
		}
		protocol := "https"
		if uri, err := url.Parse(c.URI); err == nil {
			protocol = uri.Scheme
		}
		document.Connections = append(document.Connections, connectionDoc{
			protocol, c.Address, c.Port, c.URI, flag(c.Local), flag(c.Relay), flag(c.IPv6),
		})
	}
	return document
}
