// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"math/rand/v2"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// trouble is something that keeps the box from plex.tv for a while.
type trouble struct {
	name    string
	longest time.Duration
	// perHour is how many calls may arrive within an hour, when it has gone on for
	// a while.
	perHour int
	begin   func(*world)
}

// A question is asked up to three times in a row, after one that plex.tv refuses
// perhaps, and asked again after at least 42 minutes if plex.tv answers, after 5 if
// somebody else does. When another question is answered meanwhile, the pauses begin
// at a second again, and one more may come before each.
const (
	plexAnswers   = 2 * 4
	nobodyAnswers = 4 * 13
	someAnswers   = 4 * 15
)

// fail is a trouble of plex.tv's answers.
func fail(faults ...plextvsim.Fault) func(*world) {
	return func(w *world) {
		for _, fault := range faults {
			w.sim.Fail(fault)
		}
	}
}

// newTrouble thinks of a trouble. What it leaves to chance, random decides.
func newTrouble(random *rand.Rand) trouble {
	status := func(of ...int) int { return of[random.IntN(len(of))] }
	seconds := []string{"", "5", "60", "600", "3600"}[random.IntN(5)]
	skew := time.Duration(random.IntN(31)-15) * time.Minute
	endpoint := []plextvsim.Endpoint{
		plextvsim.GetUser, plextvsim.GetNonce, plextvsim.RefreshJWT, plextvsim.GetKeys, plextvsim.RegisterKey,
	}[random.IntN(5)]
	troubles := []trouble{
		{"a lost network", 3 * day, nobodyAnswers, func(w *world) { w.way.lead("") }},
		{"an unknown certificate", day, nobodyAnswers, func(w *world) { w.way.lead(address(w.other)) }},
		{"a captive portal", day, nobodyAnswers, fail(plextvsim.CaptivePortal())},
		{"resets", day, nobodyAnswers, fail(plextvsim.Fault{Reset: true})},
		{"answers that are cut off", day, nobodyAnswers, fail(plextvsim.Fault{CutOff: true})},
		{"answers of somebody else", day, nobodyAnswers, fail(plextvsim.Fault{Body: `{"hello":"world"}`})},
		{"a redirect", day, nobodyAnswers, fail(plextvsim.Fault{Location: "https://portal.example/"})},
		{"an outage", 10 * day, plexAnswers, fail(plextvsim.Fault{Status: status(500, 502, 503, 504)})},
		{"an outage", 10 * day, plexAnswers, fail(plextvsim.Fault{Status: 503, RetryAfter: seconds})},
		{"a 429 storm", 5 * day, plexAnswers, fail(plextvsim.Fault{Status: 429, RetryAfter: seconds})},
		{"odd answers", 2 * day, someAnswers, fail(plextvsim.Fault{Code: status(1000, 1002, 1009)})},
		{"a wrong Date", 5 * day, someAnswers, fail(plextvsim.Fault{Skew: skew})},
		{"lost answers", 12 * time.Hour, nobodyAnswers, fail(plextvsim.Fault{Lost: true})},
		{"half an outage", 10 * day, someAnswers, fail(plextvsim.Fault{Endpoint: endpoint, Status: status(429, 500, 503)})},
	}
	return troubles[random.IntN(len(troubles))]
}
