package plextv

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func jsonAnswer(body []byte) answer {
	return answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: body, now: time.Unix(0, 0)}
}

// quotes fails if an error repeats a part of the body.
func quotes(t *testing.T, err error, body []byte) {
	for i := 0; i+12 <= len(body); i++ {
		if part := string(body[i : i+12]); strings.Contains(err.Error(), part) {
			t.Fatalf("%q quotes %q", err, part)
		}
	}
}

func FuzzPinAnswer(f *testing.F) {
	f.Add([]byte(`{"id":1,"code":"A1B2","expiresIn":876,"authToken":"t"}`))
	f.Add([]byte(`{"id":"x","code":1234,"expiresAt":"2016-01-15T12:14:00Z","authToken":null}`))
	f.Add([]byte(`{"id":"..","code":"\u2028","expiresIn":"Inf"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		pin, err := readPin(jsonAnswer(body))
		if err != nil {
			quotes(t, err, body)
			return
		}
		id, token := pin.ID.Reveal(), pin.Token.Reveal()
		if id == "" || len(id) > 64 || strings.ContainsAny(id, "/.?#% ") {
			t.Errorf("id %q", id)
		}
		if pin.Code == "" || len(pin.Code) > 64 || strings.ContainsFunc(pin.Code, isControl) {
			t.Errorf("code %q", pin.Code)
		}
		if pin.ExpiresIn < 0 || pin.ExpiresIn > 24*time.Hour {
			t.Errorf("expires in %s", pin.ExpiresIn)
		}
		if len(token) > 8<<10 || strings.ContainsFunc(token, isControl) {
			t.Errorf("token %q", token)
		}
	})
}

func FuzzUserAnswer(f *testing.F) {
	f.Add([]byte(`{"id":1,"username":"ann","title":"A","homeAdmin":1,"restricted":"0"}`))
	f.Add([]byte(`{"id":"1","title":"Kid","username":null,"thumb":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		user, err := readUser(jsonAnswer(body))
		if err != nil {
			quotes(t, err, body)
			return
		}
		if user.ID == "" || user.Username == "" && user.Title == "" {
			t.Errorf("nobody: %+v", user)
		}
		for _, text := range []string{user.ID, user.UUID, user.Username, user.Title, user.Email, user.Thumb} {
			if len(text) > 2<<10 || strings.ContainsFunc(text, isControl) {
				t.Errorf("text %q", text)
			}
		}
	})
}

func FuzzServersAnswer(f *testing.F) {
	f.Add([]byte(`[{"clientIdentifier":"a","name":"n","provides":"server","accessToken":"t","connections":[{"uri":"http://a:1","local":1}]}]`))
	f.Add([]byte(`[7,{"provides":"server","connections":[null,{"uri":"http://[::1%25a]/"}]}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		servers, err := readResources(jsonAnswer(body))
		if err != nil {
			quotes(t, err, body)
		}
		for _, s := range servers {
			for _, text := range append(s.URIs, s.MachineID, s.Name, s.AccessToken.Reveal()) {
				if len(text) > 8<<10 || strings.ContainsFunc(text, isControl) {
					t.Errorf("text %q", text)
				}
			}
			if s.MachineID == "" || len(s.URIs) > 50 {
				t.Errorf("%+v", s)
			}
		}
	})
}

func FuzzHomeAnswers(f *testing.F) {
	f.Add([]byte(`{"id":1,"uuid":"u","title":"a","authToken":"t","users":[{"id":1,"uuid":"u","title":"a","protected":false}]}`))
	f.Add([]byte(`{"id":1,"uuid":"v","title":"a","authToken":"t","users":[{"id":1,"uuid":"..","title":"a"},null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		users, err := readHomeUsers(jsonAnswer(body))
		if err != nil {
			quotes(t, err, body)
		}
		for _, user := range users {
			if !isID(user.UUID) || user.ID == "" || user.Title == "" {
				t.Errorf("%+v", user)
			}
		}
		token, user, err := readSwitched(jsonAnswer(body), "u")
		if err != nil {
			quotes(t, err, body)
		} else if token.IsZero() || user.UUID != "" && user.UUID != "u" {
			t.Errorf("%+v", user)
		}
	})
}
