// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
)

// fullServer has the fields and types of plex.tv's own answers.
const fullServer = `{"name":"Living Room","product":"Plex Media Server","productVersion":"1.43.3","platform":"Linux",
 "clientIdentifier":"ab12","createdAt":"2024-03-17T11:34:53Z","provides":"server","ownerId":null,"sourceTitle":null,
 "publicAddress":"203.0.113.7","accessToken":"` + token + `","owned":true,"home":false,"presence":true,"connections":[
 {"protocol":"https","address":"198.51.100.20","port":8443,"uri":"https://relay.plex.direct:8443","local":false,"relay":true,"IPv6":false},
 {"protocol":"https","address":"203.0.113.7","port":32400,"uri":"https://203-0-113-7.ab12.plex.direct:32400","local":false,"relay":false,"IPv6":false},
 {"protocol":"http","address":"192.168.1.10","port":32400,"uri":"http://192.168.1.10:32400","local":true,"relay":false,"IPv6":false},
 {"protocol":"https","address":"2001:db8::10","port":32400,"uri":"https://[2001:db8::10]:32400","local":true,"relay":false,"IPv6":true}]}`

func servers(t *testing.T, answer http.HandlerFunc) ([]plextv.Resource, error) {
	t.Helper()
	return serve(t, answer).client(t).Resources(context.Background(), me, secret.New(token))
}

func TestServersAreRead(t *testing.T) {
	const player = `{"name":"TV","clientIdentifier":"cd34","provides":"client,player"}`
	server := func(fields string) string { return `{"clientIdentifier":"m","provides":"server",` + fields + `}` }
	connections := func(list string) string { return server(`"connections":[` + list + `]`) }
	full := plextv.Resource{MachineID: "ab12", Name: "Living Room", Owned: true, Presence: true, AccessToken: secret.New(token), URIs: []string{
		"http://192.168.1.10:32400", "https://[2001:db8::10]:32400", "https://203-0-113-7.ab12.plex.direct:32400", "https://relay.plex.direct:8443",
	}}
	bare := plextv.Resource{MachineID: "m", TokenUnread: true, URIsUnread: true}
	none := plextv.Resource{MachineID: "m"}
	drifted := plextv.Resource{MachineID: "m", Name: "7", Owned: true, TokenUnread: true, URIsUnread: true}
	named := plextv.Resource{MachineID: "m", Name: "a\ufffdb", TokenUnread: true, URIsUnread: true}
	one := plextv.Resource{MachineID: "m", URIs: []string{"http://a:1"}, TokenUnread: true}
	for name, test := range map[string]struct {
		entries string
		want    []plextv.Resource
	}{
		"all fields":        {fullServer + "," + player, []plextv.Resource{full}},
		"no entries":        {"", nil},
		"players alone":     {player, nil},
		"bare":              {server(`"x":1`), []plextv.Resource{bare}},
		"none":              {server(`"accessToken":null,"connections":[]`), []plextv.Resource{none}},
		"empty token":       {server(`"accessToken":"","connections":[]`), []plextv.Resource{none}},
		"a list of roles":   {`{"clientIdentifier":"m","provides":["player","server"]}`, []plextv.Resource{bare}},
		"an object":         {server(`"connections":{"uri":"http://a"}`), []plextv.Resource{bare}},
		"nothing in them":   {server(`"connections":[7,null]`), []plextv.Resource{bare}},
		"one of many roles": {`{"clientIdentifier":"m","provides":"client, server,player"}`, []plextv.Resource{bare}},
		"half a role":       {`{"clientIdentifier":"m","provides":"server-less"}`, nil},
		"drifted":           {server(`"name":7,"owned":"1","presence":"0","x":[{}]`), []plextv.Resource{drifted}},
		"odd entries":       {`7,null,[],{"provides":[]},` + server(`"x":1`), []plextv.Resource{bare}},
		"no id":             {`{"provides":"server"},` + server(`"x":1`), []plextv.Resource{bare}},
		"control id":        {`{"provides":"server","clientIdentifier":"a\n"},` + server(`"x":1`), []plextv.Resource{bare}},
		"token of a kind":   {server(`"accessToken":false`), []plextv.Resource{bare}},
		"long token":        {server(`"accessToken":"` + strings.Repeat("t", 8<<10+1) + `"`), []plextv.Resource{bare}},
		"odd name":          {server(`"name":"a\uffffb\u0000"`), []plextv.Resource{named}},
		"odd connections": {connections(`7,null,{},{"uri":7},{"uri":"ftp://a"},{"uri":"http://"},{"uri":"http://u:p@a"},{"uri":"a:1"},` +
			`{"uri":"http://a\n"},{"uri":"http://a:1","local":"1"}`), []plextv.Resource{one}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := servers(t, reply(200, jsonType, "["+test.entries+"]"))
			if err != nil || got == nil || len(got) != len(test.want) {
				t.Fatalf("got %+v, %v", got, err)
			}
			for i, want := range test.want {
				wantResource(t, got[i], want)
			}
		})
	}
}

func wantResource(t *testing.T, got, want plextv.Resource) {
	t.Helper()
	if !got.AccessToken.Equal(want.AccessToken) {
		t.Errorf("token %q", got.AccessToken.Reveal())
	}
	got.AccessToken, want.AccessToken = secret.String{}, secret.String{}
	if len(got.URIs) == 0 {
		got.URIs = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestServersAreBounded(t *testing.T) {
	var entries []string
	for i := range 201 {
		entries = append(entries, fmt.Sprintf(`{"clientIdentifier":"%d","provides":"server"}`, i))
	}
	connections := strings.Repeat(`{"uri":"http://a"},`, 51)
	entries[0] = `{"clientIdentifier":"0","provides":"server","connections":[` + strings.TrimSuffix(connections, ",") + `]}`
	got, err := servers(t, reply(200, jsonType, "["+strings.Join(entries, ",")+"]"))
	if err != nil || len(got) != 200 || len(got[0].URIs) != 50 {
		t.Errorf("%d servers, %v", len(got), err)
	}
}
