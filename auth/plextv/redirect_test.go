// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// redirectTo answers so many requests with a redirect, then with a user.
func redirectTo(status, times int, target func(*http.Request) string) http.HandlerFunc {
	answers := make([]http.HandlerFunc, times, times+1)
	for i := range answers {
		answers[i] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", target(r))
			w.WriteHeader(status)
		}
	}
	return inTurn(append(answers, reply(200, jsonType, someUser))...)
}

func TestRedirectsElsewhereAreNotFollowed(t *testing.T) {
	other := serve(t, reply(200, jsonType, someUser))
	for name, target := range map[string]func(*http.Request) string{
		"other port":  func(*http.Request) string { return other.URL + "/api/v2/user" },
		"other name":  func(*http.Request) string { return strings.Replace(other.URL, "127.0.0.1", "localhost", 1) },
		"to http":     func(r *http.Request) string { return "http://" + r.Host + "/" },
		"host prefix": func(r *http.Request) string { return "https://" + r.Host + "0/" },
		"no URL":      func(*http.Request) string { return "https://[portal/?from=" + pinID },
		"no target":   func(*http.Request) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			for _, do := range []func(context.Context, *plextv.Client) error{askUser, check, signOut} {
				s := serve(t, redirectTo(302, 1, target))
				e := failed(t, do(context.Background(), s.client(t)), plextv.InvalidResponse)
				if name != "no URL" && !strings.Contains(e.Error(), "redirect that is not followed: a captive portal?") {
					t.Error(e)
				}
			}
		})
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

func TestRedirectsOnTheHostAreFollowedThrice(t *testing.T) {
	here := func(*http.Request) string { return "/api/v2/user?moved" }
	for times, follow := range map[int]bool{1: true, 3: true, 4: false} {
		t.Run(strconv.Itoa(times), func(t *testing.T) {
			s := serve(t, redirectTo(308, times, here))
			err := askUser(context.Background(), s.client(t))
			if follow && err != nil {
				t.Fatal(err)
			}
			if !follow {
				failed(t, err, plextv.InvalidResponse)
			}
			requests := s.requests()
			if len(requests) != min(times+1, 4) || requests[1].Header.Get("X-Plex-Token") != token {
				t.Errorf("%d requests, second with %v", len(requests), requests[1].Header)
			}
		})
	}
}

// A portal's 303 to a page that answers 200 must not pass for a sign-out.
func TestRedirectThatChangesTheMethodIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		s := serve(t, redirectTo(status, 1, func(*http.Request) string { return "/ok" }))
		failed(t, signOut(context.Background(), s.client(t)), plextv.InvalidResponse)
		if n := len(s.requests()); n != 1 {
			t.Errorf("status %d: %d requests, want 1", status, n)
		}
	}
	s := serve(t, redirectTo(307, 1, func(*http.Request) string { return "/ok" }))
	if err := signOut(context.Background(), s.client(t)); err != nil || s.requests()[1].Method != "DELETE" {
		t.Errorf("307: %v, second request %s", err, s.requests()[1].Method)
	}
}
