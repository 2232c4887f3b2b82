package e2e

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

const (
	// mostSteps ends a life: their number has no other bound.
	mostSteps = 40
	// impatience is patience while a failure is made simpler, which takes many
	// that wait in vain.
	impatience = 6 * time.Second
)

// boundLives makes TestLife short, unless the command line says otherwise.
func boundLives() {
	for name, value := range map[string]string{
		"rapid.checks": "5", "rapid.steps": "30", // in each mode; on average
		"rapid.shrinktime": "3m",
		"rapid.nofailfile": "true", // the seed, which is told, does as well
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// TestLife lets random things happen to a box, by two callers, at plex.tv and to
// the daemon's process, and holds what both callers see to the model. A failure is
// told with the shortest sequence that shows it.
func TestLife(t *testing.T) {
	for _, mode := range []string{"legacy", "jwt"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			bus, failed := bustest.Session(t), false
			rapid.Check(t, func(rt *rapid.T) {
				l := newLife(t, rt, bus, mode == "jwt")
				if l.patience = patience; failed {
					l.patience = impatience
				}
				failed = true // until the end is reached
				rt.Repeat(l.happenings())
				l.end()
				failed = false
			})
		})
	}
}

// life is a box to which things happen.
type life struct {
	*box
	rt       *rapid.T
	patience time.Duration
	callers  [2]*witness
	process  *process
	models   []model // what the box may be, by all that was seen
	steps    int
	wrong    string // the first thing that the models do not allow
	pairings []uint64
	held     map[string]bool // tokens that the box has had
	secrets  map[string]bool
}

// lifeT has failures end the one life and not the test.
type lifeT struct {
	testing.TB
	rt *rapid.T
}

func (t lifeT) Helper()                      { t.rt.Helper() }
func (t lifeT) Cleanup(f func())             { t.rt.Cleanup(f) }
func (t lifeT) Fatal(args ...any)            { t.rt.Fatal(args...) }
func (t lifeT) Fatalf(text string, a ...any) { t.rt.Fatalf(text, a...) }
func (t lifeT) Error(args ...any)            { t.rt.Error(args...) }
func (t lifeT) Errorf(text string, a ...any) { t.rt.Errorf(text, a...) }

func newLife(t *testing.T, rt *rapid.T, bus *bustest.Bus, jwt bool) *life {
	l := &life{box: newBoxOn(lifeT{t, rt}, bus), rt: rt, held: map[string]bool{}, secrets: map[string]bool{}}
	for i := range l.callers {
		l.callers[i] = newWitness(l.box, i)
	}
	l.models = []model{{jwt: jwt, weather: fine}}
	l.patience = patience
	l.startDaemon()
	l.settle(l.models)
	return l
}

// now is the box as far as all models agree: all but what the daemon does by
// itself at a time of its own.
func (l *life) now() model { return l.models[0] }

func (l *life) startDaemon() {
	l.process = l.box.start("--config", l.configure(lifeConfig(l.now().jwt)))
	l.models = each(l.models, model.starts)
	for _, w := range l.callers {
		if err := w.look(); err != nil {
			l.fail("reading the properties after the start: %v", err)
		}
	}
}

func lifeConfig(jwt bool) string {
	mode := map[bool]string{false: "legacy", true: "jwt"}[jwt]
	return "[auth]\nmode = \"" + mode + "\"\n[pairing]\npoll_interval = \"100ms\"\n"
}

func (l *life) fail(text string, args ...any) {
	if l.wrong == "" {
		l.wrong = l.plain(fmt.Sprintf(text, args...))
	}
}

// plain gives pairings short names, which are the same in each run.
func (l *life) plain(text string) string {
	for i, id := range l.pairings {
		text = strings.ReplaceAll(text, strconv.FormatUint(id, 10), "#"+strconv.Itoa(i+1))
	}
	return text
}

func each(models []model, change func(model) model) (changed []model) {
	for _, m := range models {
		changed = append(changed, change(m))
	}
	return changed
}

// later is each of the models and what it may have become by itself.
func later(models []model) (all []model) {
	known := map[model]bool{}
	for _, m := range models {
		for _, m := range m.later() {
			if !known[m] {
				known[m] = true
				all = append(all, m)
			}
		}
	}
	return all
}

// happen has something happen and waits until the daemon has done what it must.
// run does it and returns what the box may be then.
func (l *life) happen(what string, run func(before []model) []model) {
	l.rt.Logf("%s", l.plain(what))
	for _, w := range l.callers {
		w.begin(false, nil)
	}
	l.models = each(l.models, func(m model) model { m.told = ""; return m })
	if after := run(later(l.models)); l.wrong == "" {
		l.settle(after)
	}
	if l.wrong != "" {
		l.wrong = l.plain(what) + ": " + l.wrong
	}
}

// settle waits until both callers have seen what one of the models says, and holds
// on to those that fit.
func (l *life) settle(models []model) {
	models = later(models)
	if !models[0].running {
		l.models = models
		return
	}
	deadline := time.After(l.patience)
	for {
		fits := l.fit(models)
		if l.wrong != "" {
			return
		}
		if fits = l.tokens(fits); len(fits) > 0 {
			l.models = fits
			l.held[l.now().token.text] = true
			return
		}
		select {
		case <-l.callers[0].heard:
		case <-l.callers[1].heard:
		case <-time.After(100 * time.Millisecond): // a token may change without a signal
		case <-deadline:
			l.never(models)
			return
		}
	}
}

// fit gives the models at rest that say what both callers have seen. It fails if
// something was told that none of the models comes to.
func (l *life) fit(models []model) (fits []model) {
	first, told, wrong := l.callers[0].report()
	second, told2, wrong2 := l.callers[1].report()
	if wrong += wrong2; wrong != "" {
		l.fail("%s", wrong)
		return nil
	}
	possible := false
	for _, m := range models {
		possible = possible || strings.HasPrefix(m.told, told) && strings.HasPrefix(m.told, told2)
		if m.rests() && m.told == told && m.told == told2 && m.view() == first && m.view() == second {
			fits = append(fits, m)
		}
	}
	if !possible {
		l.fail("signalled is\n%s%snot\n%s", told, ifOther(told, told2), options(models, func(m model) string { return m.told }))
	}
	return fits
}

func ifOther(told, told2 string) string {
	if told == told2 {
		return ""
	}
	return "to one caller and\n" + told2 + "to the other, "
}

// never says what was waited for in vain.
func (l *life) never(models []model) {
	seen, told, _ := l.callers[0].report()
	resting := models[:0:0]
	for _, m := range models {
		if m.rests() {
			resting = append(resting, m)
		}
	}
	l.fail("seen is\n%+v\n%snot\n%s", seen, told, options(resting, func(m model) string { return fmt.Sprintf("%+v\n%s", m.view(), m.told) }))
}

// options are the different texts that the models give.
func options(models []model, text func(model) string) string {
	var all []string
	known := map[string]bool{}
	for _, m := range models {
		if !known[text(m)] {
			known[text(m)] = true
			all = append(all, text(m))
		}
	}
	return strings.Join(all, "or\n")
}

// tokens asks as both callers for the token, and gives the models that say so.
func (l *life) tokens(models []model) (fits []model) {
	var got [2]answer
	for i, w := range l.callers {
		var text string
		err := w.call("Credentials.GetToken").Store(&text)
		if err != nil {
			text = errorName(err)
		}
		got[i].text = text
	}
	if got[0] != got[1] {
		return nil // it may have been replaced just now
	}
	for _, m := range models {
		if m.token.text == "" && !m.over && len(got[0].text) >= 20 && !l.held[got[0].text] {
			m.token.text = got[0].text
		}
		if m.getToken() == got[0].text && isJWT(got[0].text) == (m.token.jwt && !m.over) {
			fits = append(fits, m)
		}
	}
	return fits
}

// end lets everything be well in the end: then nothing is left open.
func (l *life) end() {
	if l.wrong == "" {
		l.happen("in the end", func(before []model) []model {
			if l.now().running {
				l.process.signal(syscall.SIGTERM)
				if status := l.process.wait(); status != 0 {
					l.fail("exit status %d after SIGTERM", status)
				}
			}
			l.sim.Clear()
			l.models = each(before, func(m model) model { return m.ends().feels(fine) })
			l.startDaemon()
			return l.models
		})
	}
	if l.wrong != "" {
		l.rt.Fatal(l.wrong)
	}
	l.keepsSecrets()
}

// keepsSecrets looks for the secrets of this life in what others can read.
func (l *life) keepsSecrets() {
	l.gather()
	for token := range l.held {
		l.secrets[token] = true
	}
	heard := l.callers[0].all.String() + l.callers[1].all.String()
	for secret := range l.secrets {
		if secret != "" && strings.Contains(l.output.String(), secret) {
			l.rt.Fatal("the log holds a secret")
		}
		if secret != "" && strings.Contains(heard, secret) {
			l.rt.Fatal("a signal holds a secret")
		}
	}
}

// gather notes the secrets that there are now.
func (l *life) gather() {
	for _, secret := range append(append(l.travelled(), l.kept()...), l.pinIDs()...) {
		l.secrets[secret] = true
	}
}

// account is a person at plex.tv; each call gives another of that person's tokens.
func (l *life) account(who string) (token string) {
	id := map[string]int64{"ada": 101, "kim": 102}[who]
	return l.sim.AddUser(plextvsim.User{ID: id, Username: who, UUID: fmt.Sprintf("%016x", id)})
}
