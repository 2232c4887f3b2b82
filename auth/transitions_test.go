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

	"github.com/retune-tv/plexauthd/auth/devicekey"
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
	signIn := func(token secret.String, checked bool) func(*record, *Event) error {
		return signals(func(r *record, e *Event) {
			r.signIn(&statefile.Auth{Token: token, UserID: ann.ID}, checked, at(1), e)
		})
	}
	switchUser := func(to plextv.User) func(*record, *Event) error {
		return signals(func(r *record, e *Event) {
			r.switchUser(plextv.HomeUser{ID: to.ID}, secret.New("another-token"), to, at(1), e)
		})
	}
	renew := func(userID string) func(*record, *Event) error {
		return func(r *record, e *Event) error {
			return r.renew(secret.New("eyJuZXc.e30.c2ln"), devicekey.Claims{UserID: userID}, at(1), e)
		}
	}
	in, out := signal(true, ReasonSignedIn), signal(false, ReasonSignedOut)
	toOther := signal(true, ReasonUserSwitched)
	claim := signals(func(r *record, e *Event) { r.claim(7, &statefile.Auth{Token: opaque}, false, at(1), e) })
	start := signals(func(r *record, e *Event) { r.startPairing(&statefile.Pairing{ID: 8}, e) })
	signOut := func(r *record, e *Event) error { return r.signOut(e) }
	replaceUser := signals(func(r *record, e *Event) { r.replaceUserToken(opaque, kim, at(1), e) })
	cancel := signals(func(r *record, e *Event) { r.endPairing(PinCancelled, e) })
	discard := quiet(func(r *record) { r.discardKeyless(noon) })
	list := &statefile.Servers{List: secret.New("[]")}

	return map[string]map[string]transition{
		"configure": {"signed in": {from: signedIn(), state: SignedIn, do: signals(func(r *record, e *Event) { r.configure(Settings{Mode: ModeJWT}, e) })}},
		"moveTo": {
			"first":     {from: signedIn(), state: SignedIn, do: signals(func(r *record, e *Event) { r.moveTo("a", e) })},
			"elsewhere": {from: moved(signedIn(), "a"), state: SignedOut, do: signals(func(r *record, e *Event) { r.moveTo("b", e) }), auth: out},
			"back":      {from: moved(signedIn(), "a", "b"), state: Unverified, do: signals(func(r *record, e *Event) { r.moveTo("a", e) }), auth: in},
			"third":     {from: moved(signedIn(), "a", "b", "c"), state: Unverified, do: signals(func(r *record, e *Event) { r.moveTo("a", e) }), auth: in},
		},
		"noteKey": {
			"bound":   {from: bound(), do: quiet((*record).noteKey), state: SignedIn},
			"unbound": {from: signedIn(), do: quiet((*record).noteKey), state: SignedIn},
		},
		"nameOwner": {
			"signed in": {from: signedIn(), do: quiet(func(r *record) { r.nameOwner(ann) }), state: SignedIn},
			"switched":  {from: switched(), do: quiet(func(r *record) { r.nameOwner(ann) }), state: SignedIn},
			"oneself":   {from: switched(), do: quiet(func(r *record) { r.nameOwner(kim) }), state: SignedIn},
		},
		"discardKeyless": {
			"key":    {from: bound(), do: discard, state: SignedIn},
			"no key": {from: with(bound(), func(r *record) { r.DeviceKey = nil }), do: discard, state: Expired, loading: true},
		},
		"addKey": {"signed in": {from: signedIn(), state: SignedIn, do: func(r *record, _ *Event) error { _, err := r.addKey(noon); return err }}},
		"startPairing": {
			"signed out": {from: signedOut(), do: start, state: PairingNow},
			"pairing":    {from: pairing(), do: start, state: PairingNow, pin: PinCancelled},
			"signed in":  {from: signedIn(), do: start, state: SignedIn},
			"ended":      {from: ended(), do: start, state: PairingNow},
		},
		"endPairing":    {"cancelled": {from: pairing(), do: cancel, state: SignedOut, pin: PinCancelled}},
		"correctExpiry": {"pairing": {from: pairing(), state: PairingNow, do: quiet(func(r *record) { r.correctExpiry(noon) })}},
		"giveUp": {
			"cancelled": {from: pairing(), do: signals(func(r *record, e *Event) { r.giveUp(PinCancelled, e) }), state: SignedOut, pin: PinCancelled},
			"timed out": {from: pairing(), do: signals(func(r *record, e *Event) { r.giveUp(PinTimedOut, e) }), state: SignedOut, pin: PinTimedOut},
		},
		"forgetPairing": {"given up": {from: givenUp(false), do: quiet(func(r *record) { r.forgetPairing(7) }), state: SignedOut}},
		"keepToken":     {"pairing": {from: pairing(), state: PairingNow, do: quiet(func(r *record) { r.keepToken(7, opaque) })}},
		"claim": {
			"given up":   {from: givenUp(false), do: claim, state: SignedIn, auth: in},
			"unwanted":   {from: givenUp(true), do: claim, state: SignedOut},
			"signed out": {from: pairing(), do: claim, state: SignedIn, auth: in, pin: PinClaimed},
			"ended":      {from: with(ended(), func(r *record) { r.Pairing = pairing().Pairing }), do: claim, state: SignedIn, auth: in, pin: PinClaimed},
		},
		"signIn": {
			"signed out, checked": {from: signedOut(), do: signIn(opaque, true), state: SignedIn, auth: in},
			"signed out":          {from: signedOut(), do: signIn(opaque, false), state: Unverified, auth: in},
			"same token":          {from: signedIn(), do: signIn(opaque, true), state: SignedIn},
			"other token":         {from: signedIn(), do: signIn(jwt, true), state: SignedIn, auth: in},
			"ended":               {from: ended(), do: signIn(opaque, true), state: SignedIn, auth: in},
			"switched":            {from: switched(), do: signIn(opaque, true), state: SignedIn, auth: in},
		},
		"signOut": {
			"signed out": {from: signedOut(), do: signOut, state: SignedOut},
			"signed in":  {from: signedIn(), do: signOut, state: SignedOut, auth: out},
			"doubted":    {from: doubted(), do: signOut, state: SignedOut, auth: out},
			"ended":      {from: ended(), do: signOut, state: SignedOut, auth: out},
			"switched":   {from: switched(), do: signOut, state: SignedOut, auth: out},
			"unreadable": {from: with(signedOut(), func(r *record) { r.unreadable = true }), do: signOut, state: SignedOut, err: errStorage(nil)},
		},
		"selectServer": {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.selectServer(Server{MachineID: "m"}) })}},
		"renew": {
			"unchecked":    {from: held(jwt), do: renew(ann.ID), state: SignedIn},
			"ended":        {from: with(bound(), func(r *record) { r.Auth.RefusedAt = noon }), do: renew(ann.ID), state: SignedIn, auth: in},
			"of the owner": {from: with(switched(), func(r *record) { r.standing.reset() }), do: renew(ann.ID), state: Unverified},
			"of somebody":  {from: bound(), do: renew(kim.ID), state: SignedIn, err: errOtherAccount},
		},
		"switchUser": {
			"to another":    {from: signedIn(), do: switchUser(kim), state: SignedIn, auth: toOther},
			"to the same":   {from: signedIn(), do: switchUser(ann), state: SignedIn},
			"back":          {from: switched(), do: switchUser(ann), state: SignedIn, auth: toOther},
			"back, ended":   {from: ended(), do: switchUser(ann), state: SignedIn, auth: toOther},
			"same, doubted": {from: doubted(), do: switchUser(ann), state: SignedIn},
			"locked":        {from: lockedOut(), do: switchUser(kim), state: SignedIn, auth: toOther},
			"back, locked":  {from: lockedOut(), do: switchUser(ann), state: SignedIn, auth: toOther},
		},
		"replaceUserToken": {
			"switched": {from: switched(), do: replaceUser, state: SignedIn},
			"ended":    {from: with(switched(), func(r *record) { r.Auth.RefusedAt = noon }), do: replaceUser, state: SignedIn, auth: in},
		},
		"countPin":    {"signed in": {from: signedIn(), state: SignedIn, do: func(r *record, _ *Event) error { return r.countPin(noon) }}},
		"restorePins": {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.restorePins(nil) })}},
		"keepServers": {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.keepServers(list, at(1)) })}},
		"emptyAgain":  {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.emptyAgain(true, at(1)) })}},
		"keepPauses":  {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.keepPauses("GET / until noon") })}},
		"reportPlex":  {"signed in": {from: signedIn(), state: SignedIn, do: quiet(func(r *record) { r.reportPlex(&plextv.Error{Kind: plextv.ServerError}) })}},
	}
}

// parts are methods of record that only transitions call.
var parts = []string{"useOwner", "keepOwnToken", "useHomeUser", "setAuth", "setPairing", "rejectGivenUp", "replaceOwner", "resetStanding", "restore", "trustOwner", "lock", "returnToOwner"}

func TestEveryTransitionAndItsSignals(t *testing.T) {
	all := transitions()
	maps.Copy(all, verdicts())
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
