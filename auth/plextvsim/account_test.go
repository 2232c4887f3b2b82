// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

const (
	noUserJSON = `{"errors":[{"code":1001,"message":"User could not be authenticated","status":401}]}`
	noUserXML  = xmlHead + `<errors><error code="1001" message="User could not be authenticated" status="401"></error></errors>`
)

var ann = plextvsim.User{
	ID: 13692262, UUID: "dae343c1f45beb4f", Username: "ann", Title: "Ann", Email: "ann@example.org",
	Thumb: "https://plex.tv/users/dae343c1f45beb4f/avatar?c=1", HomeAdmin: true, Token: "CxoUzBTSV5hsxjTpFKaf",
}

func TestUserOnTheWire(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	a := b.send("GET", "/api/v2/user", "", as(ann.Token)...)
	equal(t, "content type", a.header.Get("Content-Type"), jsonType)
	equal(t, "JSON", a.body, `{"id":13692262,"uuid":"dae343c1f45beb4f","username":"ann","title":"Ann",`+
		`"email":"ann@example.org","friendlyName":"Ann","locale":null,"confirmed":true,"joinedAt":1500000000,`+
		`"emailOnlyAuth":false,"hasPassword":true,"protected":false,`+
		`"thumb":"https://plex.tv/users/dae343c1f45beb4f/avatar?c=1","authToken":"CxoUzBTSV5hsxjTpFKaf",`+
		`"mailingListStatus":"unsubscribed","mailingListActive":false,"scrobbleTypes":"","country":"PT",`+
		`"subscriptionDescription":null,"restricted":false,"anonymous":null,"home":true,"guest":false,`+
		`"homeSize":1,"homeAdmin":true,"maxHomeSize":15,"rememberExpiresAt":1769688000,`+
		`"adsConsent":null,"adsConsentSetAt":null,"adsConsentReminderAt":null,"experimentalFeatures":false,`+
		`"twoFactorEnabled":false,"backupCodesCreated":false,"attributionPartner":null,`+
		`"subscription":{"active":false,"subscribedAt":null,"status":"Inactive","paymentService":null,"plan":null,`+
		`"features":["companions_sonos","home"]},`+
		`"profile":{"autoSelectAudio":true,"defaultAudioLanguage":"en","defaultSubtitleLanguage":null,`+
		`"autoSelectSubtitle":0,"defaultSubtitleAccessibility":0,"defaultSubtitleForced":0,"watchedIndicator":1,`+
		`"mediaReviewsVisibility":0},"entitlements":[],"roles":[],"subscriptions":[],"pastSubscriptions":[],"trials":[],`+
		`"services":[{"identifier":"metadata","endpoint":"https://metadata.provider.plex.tv",`+
		`"token":"sim-service-token","secret":"sim-service-secret","status":"online"}]}`)

	a = b.send("GET", "/api/v2/user", "", "Accept", "*/*", "X-Plex-Token", ann.Token)
	equal(t, "content type", a.header.Get("Content-Type"), xmlType)
	for _, part := range []string{
		xmlHead + `<user id="13692262" uuid="dae343c1f45beb4f" username="ann" title="Ann" email="ann@example.org" `,
		` locale="" confirmed="1" joinedAt="1500000000" emailOnlyAuth="0" hasPassword="1" protected="0" thumb="`,
		` authToken="CxoUzBTSV5hsxjTpFKaf" `,
		` restricted="0" anonymous="" home="1" guest="0" homeSize="1" homeAdmin="1" maxHomeSize="15" rememberExpiresAt="1769688000" `,
		`<subscription active="0" subscribedAt="" status="Inactive" paymentService="" plan=""><features>` +
			`<feature id="companions_sonos"></feature><feature id="home"></feature></features></subscription>`,
		`<entitlements></entitlements><roles></roles>`,
		`<services><service identifier="metadata" `,
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("XML lacks %s:\n%s", part, a.body)
		}
	}
}

func TestUserDefaults(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	a := b.send("GET", "/api/v2/user", "", as(b.sim.AddUser(plextvsim.User{Restricted: true}))...)
	uuid := between(t, a.body, `"uuid":"`, `"`)
	equal(t, "length of the uuid", len(uuid), 16)
	for _, part := range []string{
		`{"id":1000002,`, `"username":"sim-user-2","title":"sim-user-2","email":"sim-user-2@example.com"`,
		`"thumb":"https://plex.tv/users/` + uuid + `/avatar`, `"restricted":true,"anonymous":null,"home":true,`,
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("no %s in %s", part, a.body)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(ann)
	endpoints := map[string]string{
		"/api/v2/user": "GET", "/api/v2/ping": "GET", "/api/v2/resources": "GET", "/api/v2/users/signout": "DELETE",
	}
	for name, c := range map[string]struct {
		token, accept string
		refuse        int // status set before the request
		status        int
		body          string
	}{
		"unknown":        {"x", "application/json", 0, 401, noUserJSON},
		"none":           {"-", "application/json", 0, 401, noUserJSON},
		"unknown, XML":   {"x", "*/*", 0, 401, noUserXML},
		"revoked":        {token, "application/json, text/plain, */*", 401, 401, noUserJSON},
		"not allowed":    {token, "application/json", 403, 403, `{"errors":[{"code":1009,"message":"Managed users aren't allowed to perform this action","status":403}]}`},
		"invalid":        {token, "application/json", 422, 422, `{"errors":[{"message":"Invalid token","status":422}]}`},
		"invalid, XML":   {token, "*/*", 422, 422, xmlHead + `<errors><error>Invalid token</error></errors>`},
		"unusual status": {token, "application/json", 418, 418, ""},
	} {
		if err := b.sim.Refuse(token, c.refuse); err != nil {
			t.Fatal(err)
		}
		for path, method := range endpoints {
			a := b.send(method, path, "", "X-Plex-Token", c.token, "Accept", c.accept)
			equal(t, name+": "+path, a.status, c.status)
			equal(t, name+": "+path, a.body, c.body)
		}
	}
	if err := b.sim.Refuse(token, 0); err != nil {
		t.Fatal(err)
	}
	equal(t, "good again", b.send("GET", "/api/v2/user", "", as(token)...).status, http.StatusOK)
	if err := b.sim.Revoke(token); err != nil {
		t.Fatal(err)
	}
	equal(t, "revoked", b.send("GET", "/api/v2/user", "", as(token)...).body, noUserJSON)
	if err := b.sim.Revoke("nobody's"); !errors.Is(err, plextvsim.ErrNoToken) {
		t.Errorf("revoking an unknown token: %v", err)
	}
}

func TestSignOutEndsOneToken(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	phone := b.sim.AddUser(ann)
	path, code := b.requestPin("")
	if err := b.sim.Claim(code, phone); err != nil {
		t.Fatal(err)
	}
	token := b.tokenOf(path)
	a := b.send("DELETE", "/api/v2/users/signout", "", as(token)...)
	equal(t, "status", a.status, http.StatusNoContent)
	equal(t, "body", a.body+a.header.Get("Content-Length"), "")
	equal(t, "afterwards", b.send("GET", "/api/v2/user", "", as(token)...).body, noUserJSON)
	equal(t, "twice", b.send("DELETE", "/api/v2/users/signout", "", as(token)...).status, http.StatusUnauthorized)
	equal(t, "the other device", b.send("GET", "/api/v2/user", "", as(phone)...).status, http.StatusOK)
}

func TestPing(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(ann)
	equal(t, "JSON", b.send("GET", "/api/v2/ping", "", as(token)...).body, `{"pong":true}`)
	equal(t, "XML", b.send("GET", "/api/v2/ping?X-Plex-Token="+token, "", "Accept", "-").body, xmlHead+`<pong>true</pong>`)
}

func TestWhatIsNotServed(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	_, code := b.requestPin("")
	for _, c := range [][2]string{
		{"GET", "/"}, {"GET", "/api/v2/pins"}, {"DELETE", "/api/v2/pins/1"}, {"POST", "/api/v2/user"}, {"POST", "/sim/claim?code=" + code},
	} {
		a := b.send(c[0], c[1], "")
		equal(t, c[1], a.status, http.StatusNotFound)
		equal(t, c[1], a.body, `{"errors":[{"code":1002,"message":"The requested resource or endpoint could not be found","status":404}]}`)
	}
}
