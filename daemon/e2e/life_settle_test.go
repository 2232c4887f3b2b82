// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// quietFor is longer than the daemon needs for a question.
const quietFor = 2500 * time.Millisecond

// settle waits until both callers have seen what one of the models says, and holds
// on to those that fit. While another one that fits still has something to do, that
// takes some time.
func (l *life) settle(models []model) {
	models = later(models)
	if !models[0].running {
		l.models = models
		return
	}
	deadline, unhurried := time.After(*l.patience), time.Now().Add(quietFor)
	for {
		upToDate := l.callers[0].isUpToDate() && l.callers[1].isUpToDate()
		fits := l.fit(models)
		if l.wrong != "" {
			return
		}
		if fits = l.tokens(fits); upToDate && len(fits) > 0 && (time.Now().After(unhurried) || !l.awaited(models)) {
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
	if wrong != "" || wrong2 != "" {
		l.fail("%s", cmp.Or(wrong, wrong2))
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

// awaited reports whether one of the models that say what was seen has to do more.
func (l *life) awaited(models []model) bool {
	seen, told, _ := l.callers[0].report()
	return slices.ContainsFunc(models, func(m model) bool { return !m.rests() && m.told == told && m.view() == seen })
}

func ifOther(told, told2 string) string {
	if told == told2 {
		return ""
	}
	return "to one caller and\n" + told2 + "to the other, "
}

// never reports what did not happen in time.
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
		err := w.Call("Credentials.GetToken").Store(&text)
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
