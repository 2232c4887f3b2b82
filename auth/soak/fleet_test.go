// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/retune-tv/plexauthd/auth"
	"github.com/retune-tv/plexauthd/auth/devicekey"
	"github.com/retune-tv/plexauthd/auth/plextv"
	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/servertime"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// fleet is many accounts at one plex.tv, each with a clock of its own that is
// moved on when one of its timers is due. They share a client, which is told for
// whom it asks with each question. They talk plain HTTP and keep their state in
// memory, as it is about when they ask; the years are about how.
type fleet struct {
	testing.TB
	random *rand.Rand
	server string // its address
	clock  *clockwork.FakeClock
	sim    *plextvsim.Sim
	door   *door
	client *plextv.Client
	time   *servertime.Clock
	agenda agenda
	boxes  []*member
	asked  map[string][]time.Duration // since the first day, by kind of call
	legacy bool                       // boxes have opaque tokens, about which they ask every day
	paced  map[string]int             // questions by box; if not nil, boxes keep the daemon's pace
}

// member is a box of the fleet.
type member struct {
	id      string
	clock   *boxClock
	account *auth.Account
	at      time.Duration // its next timer, or a visit before that
	visit   time.Duration // when somebody uses it, 0 for never
	again   time.Duration // from then to the next visit, 0 for no other
	use     func(*member) // what is done at a visit; nil: Validate
}

// hasty is a clock on which nobody waits: a question is repeated at once.
type hasty struct{ *clockwork.FakeClock }

func (c hasty) NewTimer(time.Duration) clockwork.Timer { return c.FakeClock.NewTimer(0) }

// memory is a store without a disk.
type memory struct{ state statefile.State }

func (m *memory) Load() (statefile.State, error)                  { return m.state, nil }
func (m *memory) Save(s statefile.State) error                    { m.state = s; return nil }
func (m *memory) Forget(s statefile.State) (gone bool, err error) { return true, m.Save(s) }
func (m *memory) KeptAside() string                               { return "" }

func newFleet(t *testing.T, size int, signInWithin time.Duration) *fleet {
	f := &fleet{
		TB: t, random: rand.New(rand.NewPCG(*seed, 0)), clock: clockwork.NewFakeClockAt(firstDay),
		asked: make(map[string][]time.Duration),
	}
	f.sim = plextvsim.New(plextvsim.Options{Clock: f.clock})
	f.door = &door{sim: f.sim, clock: f.clock}
	server, err := plextvsim.Listen(f.door, "127.0.0.1:0", false)
	f.must(err)
	t.Cleanup(server.Close)
	f.time, f.server = servertime.New(f.clock, nil), server.URL
	f.client = f.newClient(plextv.Pace{})
	t.Cleanup(f.close)
	for range size {
		f.agenda = append(f.agenda, &member{at: time.Duration(f.random.Int64N(int64(signInWithin)))})
	}
	heap.Init(&f.agenda)
	return f
}

func (f *fleet) newClient(pace plextv.Pace) *plextv.Client {
	f.Helper()
	client, err := plextv.New(plextv.Config{BaseURL: f.server, Clock: hasty{f.clock}, OnDate: f.time.Learn, Pace: pace})
	f.must(err)
	f.Cleanup(client.CloseIdleConnections)
	return client
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) close() {
	for _, m := range f.boxes {
		f.must(m.account.Close(context.Background()))
	}
}

// live lets the fleet live up to a time since the first day.
func (f *fleet) live(until time.Duration) {
	for f.agenda[0].at < until {
		m := f.agenda[0]
		f.pass(m.at)
		if m.account == nil {
			f.signIn(m)
		} else {
			m.clock.Advance(f.clock.Since(m.clock.FakeClock.Now()))
		}
		if m.at == m.visit {
			m.used()
			if m.again > 0 {
				m.visit += m.again
			}
		}
		f.must(m.clock.BlockUntilContext(context.Background(), 1))
		wait, _ := m.clock.next()
		m.at = f.clock.Since(firstDay) + wait
		if now := f.clock.Since(firstDay); m.visit > now {
			m.at = min(m.at, m.visit)
		}
		heap.Fix(&f.agenda, 0)
		for _, c := range f.door.take() {
			f.asked[c.kind] = append(f.asked[c.kind], c.at.Sub(firstDay))
			if f.paced != nil {
				f.paced[c.box]++
			}
		}
	}
	f.pass(until)
}

func (m *member) used() {
	if m.use != nil {
		m.use(m)
		return
	}
	_, _ = m.account.Validate(context.Background())
}

func (f *fleet) pass(until time.Duration) {
	f.clock.Advance(max(0, until-f.clock.Since(firstDay)))
}

// signIn starts a box with a token that it has just been given.
func (f *fleet) signIn(m *member) {
	id := fmt.Sprint("box-", len(f.boxes))
	m.id = id
	key, err := devicekey.Generate()
	f.must(err)
	token := f.sim.AddUser(plextvsim.User{})
	if f.legacy {
		f.open(m, auth.Options{Store: &memory{statefile.State{
			ClientID: id,
			Auth:     &statefile.Auth{Token: secret.New(token), UserID: "1", Username: id, IssuedAt: f.clock.Now()},
		}}})
		return
	}
	f.ask(id, "auth/jwk", token, map[string]any{"jwk": key.PublicJWK()})
	nonce := f.ask(id, "auth/nonce", "", nil).Nonce
	proof, err := key.DeviceJWT(devicekey.DeviceClaims{ClientID: id, Nonce: secret.New(nonce), Now: f.clock.Now()})
	f.must(err)
	jwt := f.ask(id, "auth/token", "", map[string]any{"jwt": proof.Reveal()}).JWT
	now := f.clock.Now()
	f.open(m, auth.Options{
		Settings: auth.Settings{Mode: auth.ModeJWT},
		Store: &memory{statefile.State{
			ClientID:  id,
			DeviceKey: &statefile.DeviceKey{Kid: key.ID(), PrivateKey: key.Private(), CreatedAt: now},
			Auth:      &statefile.Auth{Token: secret.New(jwt), IssuedAt: now, ExpiresAt: now.Add(plextvsim.JWTLifetime)},
		}},
		CheckEvery: -1, // the daily question does not move a renewal
	})
}

func (f *fleet) open(m *member, o auth.Options) {
	m.clock = newBoxClock(f.clock)
	o.Plex, o.Clock, o.Time = f.client, m.clock, f.time
	if f.paced != nil {
		o.Plex, o.ShareFor = f.newClient(plextv.Polite()), time.Second
	}
	o.Settings.PollInterval, o.Settings.PairingTimeout = pollInterval, pairingTimeout
	m.account = auth.Open(o)
	f.boxes = append(f.boxes, m)
}

// ask asks plex.tv without a network.
func (f *fleet) ask(client, endpoint, token string, body any) (answer struct {
	Nonce string
	JWT   string `json:"auth_token"`
}) {
	f.Helper()
	text, err := json.Marshal(body)
	f.must(err)
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, "/api/v2/"+endpoint, strings.NewReader(string(text)))
	r.Header.Set("X-Plex-Client-Identifier", client)
	r.Header.Set("X-Plex-Token", token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.sim.ServeHTTP(w, r)
	if w.Code >= http.StatusMultipleChoices {
		f.Fatalf("%s: %d, %s", endpoint, w.Code, w.Body)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // some have no body
	return answer
}

// rate is how many calls of a kind came in the fullest window of a time, and how
// many on average.
func (f *fleet) rate(kind string, from, to, window time.Duration) (peak int, average float64) {
	counts := make(map[time.Duration]int)
	total := 0
	for _, at := range f.asked[kind] {
		if at >= from && at < to {
			counts[at/window]++
			total++
		}
	}
	peak = slices.Max(append(slices.Collect(maps.Values(counts)), 0))
	return peak, float64(total) * float64(window) / float64(to-from)
}

// A fleet that has grown over a week renews its tokens evenly.
func TestAFleetIsSpread(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 10_000, 7*day)
	f.live(14 * day)
	peak, average := f.rate("token", 7*day, 14*day, time.Hour)
	t.Logf("10,000 boxes in a week: at most %d renewals an hour, %.1f on average: %.2f times", peak, average, float64(peak)/average)
	if float64(peak) > 2*average {
		t.Errorf("the fullest hour has %d renewals, the average one %.1f", peak, average)
	}
}

// A fleet that has signed in within one hour spreads from renewal to renewal: the
// jitter is a fifth of a token's life, so the first two are not even.
func TestALaunchSpreads(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2_000, time.Hour)
	f.live(28 * day)
	even := 2000 / (0.6 * 7 * 24)
	for week := range time.Duration(4) {
		peak, average := f.rate("token", week*7*day, (week+1)*7*day, time.Hour)
		t.Logf("week %d after a launch of 2,000 boxes: at most %d renewals an hour, %.1f on average, %.1f if even", week+1, peak, average, even)
		if most := []float64{4.5, 4, 3.5, 3}[week]; float64(peak) > most*even {
			t.Errorf("week %d: the fullest hour has %d renewals, an even one %.1f", week+1, peak, even)
		}
	}
}

// After an outage of a day, those whose renewals were due do not all come at once.
func TestAFleetComesBackSpread(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2_000, 7*day)
	f.live(14 * day)
	f.sim.Fail(plextvsim.Fault{Status: http.StatusServiceUnavailable})
	f.live(15 * day)
	peak, average := f.rate("nonce", 14*day+3*time.Hour, 15*day, time.Minute)
	t.Logf("2,000 boxes in an outage of a day: at most %d questions a minute, %.1f on average", peak, average)
	f.sim.Clear()
	f.live(17 * day)
	renewed, _ := f.rate("token", 15*day, 17*day, 2*day)
	minute, _ := f.rate("token", 15*day, 17*day, time.Minute)
	hour, _ := f.rate("token", 15*day, 17*day, time.Hour)
	t.Logf("after it: %d renewals in two days, at most %d in an hour, %d in a minute", renewed, hour, minute)
	if minute > hour/10 {
		t.Errorf("%d of %d renewals in an hour come within a minute", minute, hour)
	}
}
