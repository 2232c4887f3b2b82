package plextvsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ControlHelp lists what [Sim.Control] serves, for people.
const ControlHelp = `POST /sim/claim?code=ABCD      claim a PIN as the first user; &user=NAME as another
POST /sim/expire?code=ABCD     let a PIN's time run out now
POST /sim/revoke               refuse all tokens given out so far; &user=NAME only that user's,
                               &status=401 (default), 403, 422 ("Invalid token"), 0 (good again)
POST /sim/fail?status=503      make requests go wrong until /sim/clear; arguments add up:
       endpoint=NAME           pins.request pins.check pins.link user signout ping resources
       times=N                 only the next N requests
       status=N code=N         HTTP status, plex.tv's own error code
       retry-after=TEXT        the Retry-After header
       delay=2s skew=-1h       answer late; plex.tv's clock is off
       reset=1 cut-off=1       reset the connection; break off inside the body
       body=TEXT               another body
       content-type=TEXT       another content type
       location=URL            redirect
       pad-to=N                white space up to N bytes of body
       captive-portal=1        the HTML page of a guest network
POST /sim/clear                end all that /sim/fail began
GET  /sim/state                PINs, users, faults and counts of requests, as JSON
`

// Control returns a handler for the paths that [ControlHelp] lists. Whoever
// reaches it has the simulator in hand; no token and no PIN id is ever answered.
func (s *Sim) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/state", s.serveState)
	for name, command := range map[string]func(*arguments) (string, error){
		"claim": s.claimCommand, "expire": s.expireCommand, "revoke": s.revokeCommand,
		"fail": s.failCommand, "clear": s.clearCommand,
	} {
		mux.HandleFunc("POST /sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			line, err := "", r.ParseForm()
			if err == nil {
				line, err = command(&arguments{values: r.Form})
			}
			switch {
			case errors.Is(err, ErrNoPin), errors.Is(err, errNoUser):
				http.Error(w, err.Error(), http.StatusNotFound)
			case err != nil:
				http.Error(w, err.Error(), http.StatusBadRequest)
			default:
				_, _ = fmt.Fprintln(w, line)
			}
		})
	}
	return mux
}

func (s *Sim) claimCommand(a *arguments) (string, error) {
	code, name := a.text("code"), a.text("user")
	if err := a.check(); err != nil {
		return "", err
	}
	return "claimed " + code, s.claimAs(code, func() (*User, error) { return s.userNamed(name) })
}

func (s *Sim) expireCommand(a *arguments) (string, error) {
	code := a.text("code")
	if err := a.check(); err != nil {
		return "", err
	}
	return "expired " + code, s.ExpirePin(code)
}

func (s *Sim) revokeCommand(a *arguments) (string, error) {
	name, status := a.text("user"), http.StatusUnauthorized
	if a.text("status") != "" {
		status = a.status()
	}
	if err := a.check(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "" {
		if _, err := s.userNamed(name); err != nil {
			return "", err
		}
	}
	tokens := 0
	for _, session := range s.sessions {
		if name == "" || session.user.Username == name {
			session.refused = status
			tokens++
		}
	}
	return fmt.Sprintf("%d tokens are now answered with status %d", tokens, status), nil
}

func (s *Sim) failCommand(a *arguments) (string, error) {
	var fault Fault
	if a.truth("captive-portal") {
		fault = CaptivePortal()
	}
	fault.Endpoint = Endpoint(a.text("endpoint"))
	fault.Times = a.number("times")
	fault.Delay, fault.Skew = a.duration("delay"), a.duration("skew")
	fault.Reset, fault.CutOff = a.truth("reset"), a.truth("cut-off")
	fault.Code, fault.PadTo = a.number("code"), a.number("pad-to")
	fault.RetryAfter, fault.Location = a.text("retry-after"), a.text("location")
	if status := a.status(); status != 0 {
		fault.Status = status
	}
	fill(&fault.Body, a.text("body"))
	fill(&fault.ContentType, a.text("content-type"))
	if err := a.check(); err != nil {
		return "", err
	}
	switch {
	case !s.serves(fault.Endpoint):
		return "", fmt.Errorf("endpoint: %q is not served", fault.Endpoint)
	case fault == Fault{Endpoint: fault.Endpoint, Times: fault.Times}:
		return "", errors.New("fail: say how, such as status=503")
	}
	s.Fail(fault)
	return "failing", nil
}

func (s *Sim) clearCommand(a *arguments) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	s.Clear()
	return "cleared", nil
}

func (s *Sim) serves(endpoint Endpoint) bool {
	return endpoint == Any || slices.ContainsFunc(s.routes, func(r route) bool { return r.endpoint == endpoint })
}

// serveState answers with what a person needs to know to go on.
func (s *Sim) serveState(w http.ResponseWriter, _ *http.Request) {
	type pinState struct {
		Code      string `json:"code"`
		Product   string `json:"product"`
		Strong    bool   `json:"strong"`
		ExpiresIn int    `json:"expires_in"` // seconds, negative when expired
		Claimed   bool   `json:"claimed"`
	}
	var state struct {
		Pins     []pinState       `json:"pins"`
		Users    map[string]int   `json:"users"` // number of good tokens
		Faults   int              `json:"faults"`
		Requests map[Endpoint]int `json:"requests"`
	}
	s.mu.Lock()
	state.Pins, state.Users, state.Faults = []pinState{}, map[string]int{}, len(s.faults)
	for _, p := range s.pins {
		left := int(p.ExpiresAt.Sub(s.clock.Now()) / time.Second)
		state.Pins = append(state.Pins, pinState{p.Code, p.Product, p.Strong, left, p.token != ""})
	}
	for _, user := range s.users {
		state.Users[user.Username] = 0
	}
	for _, session := range s.sessions {
		if session.refused == 0 {
			state.Users[session.user.Username]++
		}
	}
	state.Requests = maps.Clone(s.arrived)
	s.mu.Unlock()

	delete(state.Requests, Any)
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(state) // the reader went away
}

// arguments reads a command's arguments and keeps the first error.
type arguments struct {
	values url.Values
	known  []string
	err    error
}

func (a *arguments) text(name string) string {
	a.known = append(a.known, name)
	return a.values.Get(name)
}

// number reads a count; a padding as large as the limit is all the memory it gets.
func (a *arguments) number(name string) int {
	return parse(a, name, func(text string) (int, error) {
		number, err := strconv.Atoi(text)
		if number < 0 || number > 64<<20 {
			err = strconv.ErrRange
		}
		return number, err
	})
}

// status reads an HTTP status, 0 for none.
func (a *arguments) status() int {
	return parse(a, "status", func(text string) (int, error) {
		status, err := strconv.Atoi(text)
		if status != 0 && (status < 200 || status > 599) {
			err = strconv.ErrRange
		}
		return status, err
	})
}

func (a *arguments) duration(name string) time.Duration { return parse(a, name, time.ParseDuration) }

func (a *arguments) truth(name string) bool { return parse(a, name, strconv.ParseBool) }

// parse reads an argument that may be missing.
func parse[T any](a *arguments, name string, from func(string) (T, error)) T {
	var value T
	text := a.text(name)
	if text == "" {
		return value
	}
	value, err := from(text)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s: %q does not fit", name, text)
	}
	return value
}

// check returns the first error, which may be an argument that nobody asked for.
func (a *arguments) check() error {
	for name := range a.values {
		if !slices.Contains(a.known, name) && a.err == nil {
			a.err = fmt.Errorf("%s: unknown argument; known are: %s", name, strings.Join(a.known, ", "))
		}
	}
	return a.err
}
