// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

func TestServersClockIsTold(t *testing.T) {
	const date = "Fri, 15 Jan 2016 12:00:00 GMT"
	with := func(name, value string, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date)
			w.Header().Set(name, value)
			answer(w, r)
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		told   bool
	}{
		"good":        {with("A", "", reply(200, jsonType, waiting)), true},
		"refused":     {with("A", "", reply(401, jsonType, badToken)), true},
		"XML":         {with("A", "", reply(404, "application/xml", "<errors/>")), true},
		"fresh":       {with("Age", "0", reply(200, jsonType, waiting)), true},
		"from cache":  {with("Age", "86400", reply(200, jsonType, waiting)), false},
		"odd date":    {with("Date", "today", reply(200, jsonType, waiting)), false},
		"portal":      {with("A", "", reply(200, "text/html", "<html>")), false},
		"mislabelled": {with("A", "", reply(200, jsonType, "<html>")), false},
		"no label":    {with("A", "", reply(401, "", "")), false},
		"gateway":     {with("A", "", reply(502, "text/plain", "bad gateway")), false},
		"no answer":   {rawly("", true), false},
	} {
		t.Run(name, func(t *testing.T) {
			var told []time.Time
			c := serve(t, test.answer).client(t, func(cfg *plextv.Config) {
				cfg.OnDate = func(server time.Time) { told = append(told, server) }
			})
			_ = check(context.Background(), c)
			want := []time.Time{time.Date(2016, 1, 15, 12, 0, 0, 0, time.UTC)}
			if !test.told {
				want = nil
			}
			if !slices.EqualFunc(told, want, time.Time.Equal) {
				t.Errorf("told %v, want %v", told, want)
			}
		})
	}
}
