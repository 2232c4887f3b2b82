// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// withPassword is somebody who may sign in with a password.
func withPassword() plextvsim.User {
	user := withServers()
	user.Password = "correct horse"
	return user
}

func basic(name, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}

func TestPasswordSignsIn(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(withPassword())
	old := url.Values{"user[login]": {ann.Username}, "user[password]": {"correct horse"}}.Encode()
	now := url.Values{"login": {ann.Username}, "password": {"correct horse"}}.Encode()
	for _, way := range []struct{ name, path, body, before, after string }{
		{"basic", "/users/sign_in.xml", "", `authenticationToken="`, `"`},
		{"form", "/users/sign_in.xml", old, `<authentication-token>`, `<`},
		{"JSON", "/users/sign_in.json", old, `"authentication_token":"`, `"`},
		{"v2", "/api/v2/users/signin", now, `"authToken":"`, `"`},
	} {
		var header []string
		if way.body == "" {
			header = basic(ann.Username, "correct horse")
		}
		a := b.send("POST", way.path, way.body, header...)
		equal(t, way.name, a.status, http.StatusCreated)
		token := between(t, a.body, way.before, way.after)
		equal(t, "the token of "+way.name, b.send("GET", "/api/v2/user", "", as(token)...).status, http.StatusOK)
	}
}

func TestWrongPassword(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(withPassword())
	a := b.send("POST", "/users/sign_in.json", "", basic(ann.Username, "wrong")...)
	equal(t, "status", a.status, http.StatusUnauthorized)
	equal(t, "JSON", a.body, `{"error":"Invalid email, username, or password."}`)
	a = b.send("POST", "/users/sign_in.xml", "", basic("nobody", "wrong")...)
	equal(t, "XML", a.body, xmlHead+`<errors><error>Invalid email, username, or password.</error></errors>`)
	for range 9 {
		b.send("POST", "/users/sign_in.xml", "", basic(ann.Username, "wrong")...)
	}
	a = b.send("POST", "/users/sign_in.json", "", basic(ann.Username, "correct horse")...)
	equal(t, "after ten tries", between(t, a.body, `"code":`, `,`), "1031")
}

func TestTwoFactors(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	user := withPassword()
	user.VerificationCode = "123456"
	b.sim.AddUser(user)
	for _, try := range []struct {
		password, code, answer string
		status                 int
	}{
		{"correct horse", "", `"code":1029`, 401},
		{"correct horse", "000000", `"code":1028`, 401},
		{"correct horse", "123456", `"authToken":"`, 201},
		{"correct horse123456", "", `"authToken":"`, 201}, // a program with one field for both
	} {
		body := url.Values{"login": {user.Email}, "password": {try.password}, "verificationCode": {try.code}}
		a := b.send("POST", "/api/v2/users/signin", body.Encode())
		if a.status != try.status || !strings.Contains(a.body, try.answer) {
			t.Errorf("%+v: got %d, %s", try, a.status, a.body)
		}
	}
}

func TestOldAccountOnTheWire(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withPassword())
	a := b.send("GET", "/users/account", "", as(token)...) // XML, though Accept wants JSON
	if !strings.HasPrefix(a.body, xmlHead+`<user id="`) || !strings.Contains(a.body, `<username>`+ann.Username+`</username>`) {
		t.Errorf("XML: %s", a.body)
	}
	a = b.send("GET", "/users/account.json", "", as(token)...)
	if !strings.HasPrefix(a.body, `{"user":{"id":`) {
		t.Errorf("JSON: %s", a.body)
	}
	a = b.send("GET", "/users/account", "", as("no such token")...)
	equal(t, "status", a.status, http.StatusUnprocessableEntity)
	equal(t, "refusal", a.body, xmlHead+`<errors><error>Invalid token</error></errors>`)
}

func TestOldLists(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withPassword())
	kid, err := b.sim.AddHomeUser("", plextvsim.User{Username: "kid", Restricted: true})
	if err != nil {
		t.Fatal(err)
	}
	for path, parts := range map[string][]string{
		"/api/resources?includeHttps=1": {
			`<MediaContainer friendlyName="myPlex" `, ` size="2"><Device name="Living Room" `,
			` owned="1" accessToken="` + token + `" `, ` createdAt="1710675293" lastSeenAt="1768478400" `,
			`<Connection protocol="http" address="192.168.1.10" port="32400" uri="http://192.168.1.10:32400" local="1">`,
		},
		"/api/servers":          {`<Server accessToken="` + token + `" name="Living Room" `, ` machineIdentifier="7f3b" `},
		"/api/servers/85a943ce": {` size="1"`, `<Section id="1" key="1" type="movie" title="Movies">`},
		"/api/users/":           {`<User id="`, ` title="kid" username="" `, ` home="1" restricted="1" `, `<Server id="1" `},
		"/api/home/users":       {` size="2"`, ` uuid="` + kid + `" admin="0" guest="0" restricted="1" protected="0" `},
	} {
		a := b.send("GET", path, "", as(token)...)
		equal(t, path, a.status, http.StatusOK)
		for _, part := range parts {
			if !strings.Contains(a.body, part) {
				t.Errorf("%s lacks %s:\n%s", path, part, a.body)
			}
		}
		path, query, _ := strings.Cut(strings.TrimSuffix(path, "/"), "?")
		a = b.send("GET", path+".json?"+query, "", as(token)...)
		var document struct{ MediaContainer struct{ Size int } }
		if err := json.Unmarshal([]byte(a.body), &document); err != nil || document.MediaContainer.Size == 0 {
			t.Errorf("%s.json: %v, %s", path, err, a.body)
		}
		equal(t, path+" of nobody", b.send("GET", path, "").status, http.StatusUnauthorized)
	}
	equal(t, "no such server", b.send("GET", "/api/servers/nobody", "", as(token)...).status, http.StatusNotFound)
}

func TestOldSwitch(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withPassword())
	if _, err := b.sim.AddHomeUser("", plextvsim.User{Username: "kid", ID: 77, PIN: "1234"}); err != nil {
		t.Fatal(err)
	}
	a := b.send("POST", "/api/home/users/77/switch?pin=1234", "", as(token)...)
	equal(t, "status", a.status, http.StatusCreated)
	switched := between(t, a.body, `authenticationToken="`, `"`)
	if a := b.send("GET", "/api/v2/user", "", as(switched)...); !strings.Contains(a.body, `"id":77,`) {
		t.Errorf("the user of the new token: %s", a.body)
	}
	a = b.send("POST", "/api/home/users/77/switch", "", as(token)...)
	equal(t, "without the PIN", between(t, a.body, `code="`, `"`), "1041")
}

func TestDevicesAreListedAndRemoved(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(withPassword())
	a := b.send("POST", "/users/sign_in.xml", "", basic(ann.Username, "correct horse")...)
	token := between(t, a.body, `authenticationToken="`, `"`)
	a = b.send("GET", "/devices.xml", "", append(as(token), "X-Plex-Product", "Tester", "X-Plex-Device-Name", "Sofa")...)
	id := between(t, a.body, `<Device id="`, `"`)
	for _, part := range []string{` name="Sofa" `, ` product="Tester" `, ` clientIdentifier="` + clientID + `" `, ` token="` + token + `" `} {
		if !strings.Contains(a.body, part) {
			t.Errorf("no %s in %s", part, a.body)
		}
	}
	a = b.send("GET", "/devices.json", "", as(token)...)
	if !strings.HasPrefix(a.body, `[{"id":`+id) {
		t.Errorf("JSON: %s", a.body)
	}
	equal(t, "somebody else's", b.send("DELETE", "/devices/99.xml", "", as(token)...).status, http.StatusNotFound)
	equal(t, "removing it", b.send("DELETE", "/devices/"+id+".xml", "", as(token)...).status, http.StatusOK)
	equal(t, "its token", b.send("GET", "/api/v2/user", "", as(token)...).status, http.StatusUnauthorized)
}

func TestControlGivesPasswords(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	b.sim.AddUser(ann)
	equal(t, "order", b.control("POST", "/sim/password?password=secret&verification-code=123456").body, "ann may sign in with a password\n")
	equal(t, "one factor", b.send("POST", "/users/sign_in.json", "", basic("ann", "secret")...).status, http.StatusUnauthorized)
	equal(t, "two", b.send("POST", "/users/sign_in.json?verificationCode=123456", "", basic("ann", "secret")...).status, http.StatusCreated)
	equal(t, "none", b.control("POST", "/sim/password").status, http.StatusBadRequest)
	equal(t, "nobody", b.control("POST", "/sim/password?password=x&user=nobody").status, http.StatusNotFound)
}

func TestMediaServerSaysWhatItIs(t *testing.T) {
	b := newBox(t, plextvsim.Options{})
	token := b.sim.AddUser(withServers())
	server := mediaServer(t, b.sim, owned)
	for query, status := range map[string]int{"": http.StatusUnauthorized, "?X-Plex-Token=" + token: http.StatusOK} {
		response, err := http.Get(server.URL + "/" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil {
			t.Fatal(err)
		}
		equal(t, "status", response.StatusCode, status)
		if status == http.StatusOK && !strings.Contains(string(body), ` friendlyName="Living Room" myPlex="1" `) {
			t.Errorf("its root: %s", body)
		}
	}
}
