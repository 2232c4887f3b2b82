// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

func withServers() plextvsim.User {
	user := ann
	user.Resources = []plextvsim.Resource{
		{Name: "Living Room", ClientIdentifier: "85a943ce", Owned: true, Connections: []plextvsim.Connection{
			{Address: "192.168.1.10", Local: true, URI: "http://192.168.1.10:32400"},
			{Address: "198.51.100.20", Port: 8443, Relay: true},
			{Address: "2001:db8::10", IPv6: true},
		}},
		{Name: "Friend's", ClientIdentifier: "7f3b", SourceTitle: "bob", OwnerID: 77, AccessToken: "shared", Offline: true},
	}
	return user
}

func TestResourcesOnTheWire(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withServers())
	const ends = `"productVersion":"1.43.3.10793-cdb1b5f21","platform":"Linux","platformVersion":"12","device":"PC",`
	a := b.send("GET", "/api/v2/resources?includeHttps=1&includeRelay=1&includeIPv6=1", "", as(token)...)
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "JSON", a.body, `[{"name":"Living Room","product":"Plex Media Server",`+ends+`"clientIdentifier":"85a943ce",`+
		`"createdAt":"2024-03-17T11:34:53Z","lastSeenAt":"2026-01-15T12:00:00Z","provides":"server","ownerId":null,`+
		`"sourceTitle":null,"publicAddress":"203.0.113.7","accessToken":"CxoUzBTSV5hsxjTpFKaf","owned":true,"home":false,`+
		`"synced":false,"relay":true,"presence":true,"httpsRequired":false,"publicAddressMatches":false,`+
		`"dnsRebindingProtection":false,"natLoopbackSupported":true,"connections":[`+
		`{"protocol":"http","address":"192.168.1.10","port":32400,"uri":"http://192.168.1.10:32400","local":true,"relay":false,"IPv6":false},`+
		`{"protocol":"https","address":"198.51.100.20","port":8443,"uri":"https://198-51-100-20.85a943ce.plex.direct:8443","local":false,"relay":true,"IPv6":false},`+
		`{"protocol":"https","address":"2001:db8::10","port":32400,"uri":"https://2001-db8--10.85a943ce.plex.direct:32400","local":false,"relay":false,"IPv6":true}]},`+
		`{"name":"Friend's","product":"Plex Media Server",`+ends+`"clientIdentifier":"7f3b",`+
		`"createdAt":"2024-03-17T11:34:53Z","lastSeenAt":"2026-01-15T12:00:00Z","provides":"server","ownerId":77,`+
		`"sourceTitle":"bob","publicAddress":"203.0.113.7","accessToken":"shared","owned":false,"home":false,`+
		`"synced":false,"relay":false,"presence":false,"httpsRequired":false,"publicAddressMatches":false,`+
		`"dnsRebindingProtection":false,"natLoopbackSupported":true,"connections":[]}]`)

	a = b.send("GET", "/api/v2/resources", "", "Accept", "-", "X-Plex-Token", token)
	for _, part := range []string{
		xmlHead + `<resources><resource name="Living Room" product="Plex Media Server" `,
		` createdAt="2024-03-17T11:34:53Z" lastSeenAt="2026-01-15T12:00:00Z" provides="server" ownerId="" sourceTitle="" `,
		` owned="1" home="0" synced="0" relay="1" presence="1" httpsRequired="0" publicAddressMatches="0" `,
		`<connections><connection protocol="http" address="192.168.1.10" port="32400" uri="http://192.168.1.10:32400" ` +
			`local="1" relay="0" IPv6="0"></connection></connections></resource><resource name="Friend&#39;s" `,
		` ownerId="77" sourceTitle="bob" `,
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("XML lacks %s:\n%s", part, a.body)
		}
	}
}

func TestResourcesListOnlyWhatIsAskedFor(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withServers())
	for query, want := range map[string]int{
		"": 1, "?includeRelay=0": 1, "?includeRelay=1": 2, "?includeIPv6=1": 2, "?includeRelay=1&includeIPv6=1": 3,
	} {
		a := b.send("GET", "/api/v2/resources"+query, "", as(token)...)
		equal(t, "connections with "+query, strings.Count(a.body, `"protocol"`), want)
	}
	nothing := b.send("GET", "/api/v2/resources", "", as(b.sim.AddUser(plextvsim.User{}))...)
	equal(t, "of a new account", nothing.body, "[]")
}

func TestSampleResources(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(plextvsim.User{Resources: plextvsim.SampleResources()})
	body := b.send("GET", "/api/v2/resources", "", as(token)...).body
	equal(t, "owned", strings.Count(body, `"owned":true`), 2)
	equal(t, "shared", strings.Count(body, `"owned":false`), 1)
	equal(t, "players", strings.Count(body, `"provides":"client,player"`), 1)
	equal(t, "with the token that asked", strings.Count(body, `"accessToken":"`+token+`"`), 2)
	if plextvsim.SampleResources()[1].AccessToken != "" {
		t.Error("adding a user changed the sample")
	}
}
