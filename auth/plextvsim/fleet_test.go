// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
)

// fleet is many boxes at one simulator, which they call without a network.
type fleet struct {
	testing.TB
	sim   *plextvsim.Sim
	clock *clockwork.FakeClock
}

func newFleet(t testing.TB) *fleet {
	clock := clockwork.NewFakeClockAt(start)
	return &fleet{t, plextvsim.New(plextvsim.Options{Clock: clock}), clock}
}

// ask sends a box's request and decodes the answer, which must be a success.
func (f *fleet) ask(box identity, method, target string, body any) (answer struct {
	ID        int64
	Code      string
	AuthToken string
	Nonce     string
	JWT       string `json:"auth_token"`
	Username  string
}) {
	f.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.Fatal(err)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(string(text)))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Plex-Client-Identifier", box.client)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.sim.ServeHTTP(w, r)
	if w.Code >= http.StatusMultipleChoices {
		f.Fatalf("%s: %s %s: %d, %s", box.client, method, target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		f.Fatalf("%s: %v in %s", target, err, w.Body)
	}
	return answer
}

func (f *fleet) deviceJWT(box identity, nonce string) string {
	return box.sign(box.header(), box.claimsAt(f.clock.Now(), nonce))
}

// signIn pairs a box and returns its token, or its Plex JWT if it uses its key.
func (f *fleet) signIn(box identity, key bool) string {
	f.Helper()
	order, query := map[string]any{}, ""
	if key {
		order["jwk"], query = box.jwk(), "?deviceJWT="+f.deviceJWT(box, "")
	}
	pin := f.ask(box, "POST", "/api/v2/pins", order)
	if err := f.sim.Claim(pin.Code, ""); err != nil {
		f.Fatal(err)
	}
	return f.ask(box, "GET", fmt.Sprint("/api/v2/pins/", pin.ID, query), nil).AuthToken
}

func (f *fleet) refresh(box identity) string {
	f.Helper()
	nonce := f.ask(box, "GET", "/api/v2/auth/nonce", nil).Nonce
	return f.ask(box, "POST", "/api/v2/auth/token", map[string]string{"jwt": f.deviceJWT(box, nonce)}).JWT
}

// 10,000 boxes live through a week; every tenth has a key.
func TestFleet(t *testing.T) {
	const size = 10_000
	f := newFleet(t)
	var keyed []identity
	for i := range size {
		box := identity{client: fmt.Sprint("client-", i)} // making keys is most of the work
		if i%10 == 0 {
			box = newIdentity(fmt.Sprint(i))
			keyed = append(keyed, box)
		}
		f.signIn(box, i%10 == 0)
		f.clock.Advance(time.Second)
	}
	equal(t, "PINs that are remembered", len(f.sim.Pins()), size)
	equal(t, "all signed in", f.sim.Count(plextvsim.CheckPin), size)
	f.clock.Advance(plextvsim.JWTLifetime)
	for _, box := range keyed {
		f.clock.Advance(time.Minute)
		jwt := f.refresh(box)
		equal(t, "user", f.ask(box, "GET", "/api/v2/user?X-Plex-Token="+jwt, nil).Username, "sim-user-1")
	}
	equal(t, "refreshed", f.sim.Count(plextvsim.RefreshJWT), size/10)
	equal(t, "requests", f.sim.Count(plextvsim.Any), 2*size+3*size/10)
	if kept := len(f.sim.Requests()); kept < 5000 || kept > 10_000 {
		t.Errorf("%d requests are remembered", kept)
	}
}

func TestPinsAreForgotten(t *testing.T) {
	f := newFleet(t)
	box := newIdentity("a")
	first := f.ask(box, "POST", "/api/v2/pins", nil)
	f.clock.Advance(time.Second)
	for range 10_000 {
		f.ask(box, "POST", "/api/v2/pins", nil)
	}
	equal(t, "none has expired", len(f.sim.Pins()), 10_001)
	f.clock.Advance(plextvsim.WeakLifetime - time.Second)
	f.ask(box, "POST", "/api/v2/pins", nil)
	pins := f.sim.Pins()
	equal(t, "one has", len(pins), 10_001)
	equal(t, "it is the first", pins[0].Code != first.Code, true)
	f.clock.Advance(time.Second)
	f.ask(box, "POST", "/api/v2/pins", nil)
	equal(t, "all have", len(f.sim.Pins()), 10_000)
}

func TestOldTokensOfADeviceAreForgotten(t *testing.T) {
	d := newBox(t, plextvsim.Options{}).newDevice("a")
	first, second := d.signIn(), d.signIn()
	for range 98 {
		d.signIn()
	}
	equal(t, "a hundred", d.user(first), "sim-user-1")
	d.signIn()
	equal(t, "one more", d.user(first)+d.user(second), "Unauthorized"+noUserJSON+"sim-user-1")
}

// BenchmarkRefresh shows that one more box costs the same however many there are.
func BenchmarkRefresh(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := newFleet(b)
			boxes := make([]identity, size)
			for i := range boxes {
				boxes[i] = newIdentity(fmt.Sprint(i))
				f.signIn(boxes[i], true)
			}
			for i := 0; b.Loop(); i++ {
				f.refresh(boxes[i%size])
			}
		})
	}
}
