// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

var (
	noon   = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	opaque = secret.New("opaque-token")
	jwt    = secret.New("eyJhbGciOi.J9.c2ln")
	ann    = plextv.User{ID: "1", UUID: "a", Username: "ann"}
	kim    = plextv.User{ID: "2", UUID: "k", Title: "Kim"}
)

func at(seconds int) instant {
	d := time.Duration(seconds) * time.Second
	return instant{noon.Add(d), time.Hour + d}
}

// Records to start from.

func signedOut() *record { return &record{State: statefile.State{ClientID: "box"}} }

func pairing() *record {
	r := signedOut()
	r.Pairing = &statefile.Pairing{ID: 7, Code: "ABCD", ExpiresAt: noon.Add(time.Minute)}
	return r
}

func givenUp(unwanted bool) *record {
	r := pairing()
	r.giveUp(PinTimedOut, &Event{})
	r.GivenUp[0].Unwanted = unwanted
	return r
}

func moved(r *record, addresses ...string) *record {
	for _, address := range addresses {
		r.moveTo(address, &Event{})
	}
	return r
}

func held(token secret.String) *record {
	r := signedOut()
	r.Auth = &statefile.Auth{Token: token, UserID: ann.ID, UUID: ann.UUID, IssuedAt: noon}
	if isJWT(token) {
		r.DeviceKey, r.settings.Mode, r.Auth.Kid = &statefile.DeviceKey{Kid: "key"}, ModeJWT, "key"
	}
	return r
}

func signedIn() *record { return with(held(opaque), func(r *record) { r.standing.confirm(true) }) }
func bound() *record    { return with(held(jwt), func(r *record) { r.standing.confirm(true) }) }
func doubted() *record  { return with(signedIn(), func(r *record) { doubt(&r.standing) }) }
func ended() *record {
	return with(signedIn(), func(r *record) { r.Auth.RefusedAt = noon; r.standing.reject(at(0).uptime) })
}

func switched() *record {
	return with(signedIn(), func(r *record) {
		r.switchUser(plextv.HomeUser{ID: kim.ID}, secret.New("kims-token"), kim, at(0), &Event{})
	})
}

func lockedOut() *record {
	return with(switched(), func(r *record) { r.Auth.RefusedAt = noon; r.standing.reject(at(0).uptime) })
}

func with(r *record, change func(*record)) *record {
	change(r)
	return r
}

// transition is one way in which a record changes, and all that it signals.
type transition struct {
	from  *record
	do    func(r *record, e *Event) error
	state State
	auth  *AuthChange
	pin   PinResult // of pairing 7, "" while it goes on
	err   error

	loading bool // nobody has been told of the state before
}

func signal(authenticated bool, reason Reason) *AuthChange { return &AuthChange{authenticated, reason} }

func quiet(do func(r *record)) func(*record, *Event) error {
	return func(r *record, _ *Event) error { do(r); return nil }
}

func signals(do func(r *record, e *Event)) func(*record, *Event) error {
	return func(r *record, e *Event) error { do(r, e); return nil }
}

// transitions are by method of record, each from the states in which it differs.
func transitions() map[string]map[string]transition {
	all := map[string]map[string]transition{}
	for _, some := range []map[string]map[string]transition{
		settingTransitions(), keyTransitions(), pairingTransitions(), signInTransitions(), homeTransitions(),
		acceptances(), refusals(), userRefusals(),
	} {
		maps.Copy(all, some)
	}
	return all
}

// parts are methods of record that only transitions call.
var parts = []string{"useOwner", "keepOwnToken", "useHomeUser", "setAuth", "setPairing", "rejectGivenUp", "replaceOwner", "resetStanding", "restore", "trustOwner", "lock", "returnToOwner"}

func TestEveryTransitionAndItsSignals(t *testing.T) {
	all := transitions()
	for method, cases := range all {
		for name, c := range cases {
			t.Run(method+", "+name, func(t *testing.T) { c.check(t) })
		}
	}
	known := append(slices.Collect(maps.Keys(all)), parts...)
	for _, name := range []string{"transitions.go", "pintransitions.go", "movetransitions.go", "keytransitions.go", "verdict.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && !slices.Contains(known, f.Name.Name) {
				t.Errorf("nothing says what %s signals", f.Name.Name)
			}
		}
	}
}

func (c transition) check(t *testing.T) {
	r, e := *c.from, Event{}
	before := r.snapshot()
	err := c.do(&r, &e)
	if CodeOf(err) != CodeOf(c.err) || (err == nil) != (c.err == nil) {
		t.Errorf("error %v, want %v", err, c.err)
	}
	after := r.snapshot()
	if after.State != c.state {
		t.Errorf("%s from %s, want %s", after.State, before.State, c.state)
	}
	if got, want := e.Auth, c.auth; (got == nil) != (want == nil) || got != nil && *got != *want {
		t.Errorf("signals %+v, want %+v", got, want)
	}
	if e.Auth == nil && after.Authenticated != before.Authenticated && !c.loading {
		t.Errorf("authenticated is %v, and nothing signals it", after.Authenticated)
	}
	switch {
	case e.PinEnd == nil && c.pin != "":
		t.Errorf("no pairing ends, want %s", c.pin)
	case e.PinEnd != nil && *e.PinEnd != PinEnd{7, c.pin}:
		t.Errorf("ends pairing %+v, want %s", *e.PinEnd, c.pin)
	case e.PinEnd != nil && r.ended.find(7).Result != c.pin:
		t.Error("the end of the pairing is not remembered")
	}
	if r.standing.doubted() && (r.refused() || r.Auth == nil) {
		t.Errorf("standing %+v of a token that is refused or gone", r.standing)
	}
}
