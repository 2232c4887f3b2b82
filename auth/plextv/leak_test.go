// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// hostile are answers that throw back at the client what it sent.
func hostile() []http.HandlerFunc {
	echo := "'" + token + "' '" + pinID + "' /api/v2/pins/" + pinID + "?deviceJWT=" + deviceJWT + "&pin=" + homePin
	// plex.tv's own message may repeat what it was sent.
	complain := func(status int, form string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sent := strings.Repeat("x", 100) + r.Header.Get("X-Plex-Token") + r.URL.RequestURI()
			if strings.HasSuffix(r.URL.Path, "/auth/token") {
				sent += deviceJWT
			}
			reply(status, "", fmt.Sprintf(form, sent))(w, r)
		}
	}
	redirect := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(302)
		}
	}
	answers := []http.HandlerFunc{
		reply(200, jsonType, fullPin), reply(200, jsonType, switched), reply(200, jsonType, newToken), reply(200, jsonType, fullUser), reply(200, jsonType, waiting),
		reply(200, jsonType, fullPin[:len(fullPin)-3]), reply(200, jsonType, `{"id":"`+echo+`","code":"\u0000`+token+`"}`),
		reply(200, jsonType, `{"id":1,"code":"A","authToken":"`+token+`\u0000"}`), reply(200, token+"/"+pinID, echo),
		reply(200, "text/html", echo), complain(401, `{"errors":[{"code":1001,"message":"%s"}]}`),
		complain(404, "<errors><error>%s</error></errors>"),
		redirect("https://[" + echo), redirect("https://portal.example/?from=" + token + pinID), redirect("/%zz" + token + pinID),
		rawly("HTTP/1.1 "+echo+"\r\n\r\n", false), rawly("HTTP/1.1 200 OK\r\n"+echo+"\r\n\r\n", false), rawly(echo, false),
		rawly("HTTP/1.1 200 OK\r\nContent-Length: "+pinID+token+"\r\n\r\n", false),
		rawly("HTTP/1.1 200 OK\r\nTransfer-Encoding: "+token+pinID+"\r\n\r\n", false),
		rawly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+token+pinID, false), rawly("", true), rawly("", false),
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for _, status := range []int{400, 403, 410, 422} {
		answers = append(answers, complain(status, `{"errors":[{"message":"%s"}]}`), reply(status, "", echo))
	}
	return answers
}

func TestNothingPrintedHoldsTokenOrPinID(t *testing.T) {
	var out bytes.Buffer
	var now atomic.Pointer[http.HandlerFunc]
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { (*now.Load())(w, r) })
	c := s.client(t, func(cfg *plextv.Config) {
		cfg.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.Timeout = 200 * time.Millisecond
	})
	tryAll := func() {
		// Ended soon, so that the pauses of retries do not hold up the test.
		for _, do := range []func(context.Context, *plextv.Client) error{check, askUser, signOut, checkWithKey, exchange, switchUser} {
			ctx, cancel := context.WithTimeout(context.Background(), 240*time.Millisecond)
			err := do(ctx, c)
			cancel()
			fmt.Fprintf(&out, "%v\n%+v\n%#v\n%q\n", err, err, err, fmt.Errorf("w: %w", err))
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "err", err)
		}
	}
	for _, answer := range hostile() {
		now.Store(&answer)
		tryAll()
	}
	s.Close()
	tryAll()
	for _, hidden := range []string{token, pinID, deviceJWT[:12], deviceJWT[20:], "pin=" + homePin, homeUUID, s.URL, "Ghent", "hotel"} {
		if i := strings.Index(out.String(), hidden); i >= 0 {
			t.Errorf("%q was printed: …%s", hidden, out.String()[max(0, i-300):i+len(hidden)])
		}
	}
	for _, wanted := range []string{"level=DEBUG", "path=/api/v2/pins/{id} http_status=404", "method=DELETE path=/api/v2/users/signout", "path=/api/v2/home/users/{id}/switch http_status=403", "plex_code=1001", "duration="} {
		if !strings.Contains(out.String(), wanted) {
			t.Errorf("no log line has %q", wanted)
		}
	}
}
