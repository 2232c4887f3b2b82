// SPDX-License-Identifier: Apache-2.0

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
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

const (
	// mostSteps ends a life: their number has no other bound.
	mostSteps = 40
	// impatience bounds the waits while a failure is made simpler, which takes many
	// of them to their end.
	impatience = 6 * time.Second
)

// lanes is how many lives go on at the same time in each mode, each lane with
// rapid.checks of them: a life mostly waits. With a seed given they are all the same.
var lanes = flag.Int("lanes", 1, "how many lives of TestLife go on at the same time in each mode")

// boundLives makes TestLife short, unless the command line says otherwise.
func boundLives() {
	for name, value := range map[string]string{
		"rapid.checks": "5", "rapid.steps": "30", // in each mode; on average
		"rapid.seed":       "1", // the same lives for all who make test; make model draws others
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
	t.Parallel()
	for _, mode := range []string{"legacy", "jwt"} {
		for range *lanes {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				live(t, mode == "jwt")
			})
		}
	}
}

// live lives one life after the other.
func live(t *testing.T, jwt bool) {
	bus, wait := bustest.Session(t), daemontest.Patience
	rapid.Check(t, func(rt *rapid.T) {
		l := newLife(lifeT{t, rt}, bus, jwt, &wait)
		l.begins(rt)
		rt.Repeat(l.happenings())
		l.end()
		l.agrees()
	})
}

// life is a box to which things happen.
type life struct {
	*box
	rt       *rapid.T
	once     testing.TB // whose log is not that of one life
	patience *time.Duration
	callers  [2]*witness
	process  *daemontest.Process
	models   []model // what the box may be, by all that was seen
	steps    int
	story    []string
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

func newLife(t lifeT, bus *bustest.Bus, jwt bool, patience *time.Duration) *life {
	l := &life{box: newBoxOn(t, bus), rt: t.rt, once: t.TB, patience: patience, held: map[string]bool{}, secrets: map[string]bool{}}
	for i := range l.callers {
		l.callers[i] = newWitness(l.box, i)
	}
	l.models = []model{{jwt: jwt, weather: fine}}
	l.startDaemon()
	l.settle(l.models)
	return l
}

// now is the box as far as all models agree: all but what the daemon does by
// itself at a time of its own.
func (l *life) now() model { return l.models[0] }

func (l *life) startDaemon() {
	l.Configure(lifeConfig(l.now().jwt))
	l.process = l.box.Start()
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

// agrees ends a life that is not what the model says. The words are always the
// same: rapid takes other ones for another failure, that is not to be simplified.
func (l *life) agrees() {
	if l.wrong != "" {
		l.rt.Log(l.wrong)
		if *l.patience != impatience { // it may not come again
			l.once.Logf("a life went wrong:\n%s\n%s\nplexauthd has printed:\n%s", strings.Join(l.story, "\n"), l.wrong, &l.Printed)
		}
		*l.patience = impatience
		l.rt.Fatal("the box does what the model does not allow, see above")
	}
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
	if l.wrong != "" {
		return
	}
	l.rt.Logf("%s", l.plain(what))
	l.story = append(l.story, l.plain(what))
	for _, w := range l.callers {
		w.begin(false, nil)
	}
	l.models = each(l.models, func(m model) model { m.told = ""; return m })
	if after := run(later(l.models)); l.wrong == "" {
		l.settle(after)
	}
}

// end lets everything be well in the end: then nothing is left open.
func (l *life) end() {
	if l.wrong == "" {
		l.happen("in the end", func(before []model) []model {
			if l.now().running {
				l.process.Signal(syscall.SIGTERM)
				if status := l.process.Wait(); status != 0 {
					l.fail("exit status %d after SIGTERM", status)
				}
			}
			l.Sim.Clear()
			l.models = each(before, func(m model) model { return m.ends().feels(fine) })
			l.startDaemon()
			return l.models
		})
	}
	l.keepsSecrets()
}

// keepsSecrets looks for the secrets of this life in what others can read.
func (l *life) keepsSecrets() {
	l.gather()
	for token := range l.held {
		l.secrets[token] = true
	}
	heard := l.callers[0].everything() + l.callers[1].everything()
	for secret := range l.secrets {
		if secret != "" && strings.Contains(l.Printed.String(), secret) {
			l.fail("the log holds a secret")
		}
		if secret != "" && strings.Contains(heard, secret) {
			l.fail("a signal holds a secret")
		}
	}
}

// gather notes the secrets that there are now.
func (l *life) gather() {
	for _, secret := range append(append(l.Sim.Secrets(), l.kept()...), l.pinIDs()...) {
		l.secrets[secret] = true
	}
}

// account is a person at plex.tv; each call gives another of that person's tokens.
func (l *life) account(who string) (token string) {
	id := map[string]int64{"ada": 101, "kim": 102}[who]
	return l.Sim.AddUser(plextvsim.User{ID: id, Username: who, UUID: fmt.Sprintf("%016x", id)})
}
