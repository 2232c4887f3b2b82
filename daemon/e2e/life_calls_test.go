// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"fmt"
)

// answer is what a caller was answered: a word of the model's, or the last part
// of an error's name.
type answer struct {
	text string
	id   uint64 // of a pairing
}

func (a answer) String() string { return a.text }

// newPairing is what a RequestPin that starts a pairing is answered.
const newPairing = "a new pairing"

// requestPin gives everybody the pairing under way, also over a crash, and never
// two where two ask at the same time.
func (m model) requestPin(a answer, force bool) (model, string) {
	switch {
	case m.pairing != 0 && !force, m.together && m.pairing != 0 && a.id == m.pairing:
		return m, fmt.Sprint("pairing ", m.pairing)
	case m.weather != fine:
		return m, m.weather.failure()
	case a.id == 0 || m.ended(a.id) != "" || a.id == m.pairing:
		return m, newPairing
	case m.pairing != 0:
		m = m.pairingEnds("cancelled")
	}
	m.pairing, m.keyed = a.id, m.jwt
	return m, fmt.Sprint("pairing ", a.id)
}

// cancelPin is done also if another call has just ended the pairing.
func (m model) cancelPin(a answer, id uint64) (model, string) {
	switch {
	case id != 0 && id == m.pairing:
		return m.pairingEnds("cancelled"), done
	case id != 0 && id == m.shared && a.text == done:
		return m, done
	}
	return m, "NotFound"
}

// checkPin is answered claimed only when the credentials are stored.
func (m model) checkPin(id uint64) (model, string) {
	switch {
	case id == 0 || id != m.pairing:
		return m, cmp.Or(map[string]string{"claimed": yes, "expired": "PinExpired"}[m.ended(id)], "NotFound")
	case m.weather != fine:
		return m, m.weather.failure()
	case m.pin == "":
		return m, no
	}
	m = m.polled()
	return m.checkPin(id)
}

// validate never says no for anything but a no of plex.tv, and a no to one
// question is not the end of the token: it has to be repeated.
func (m model) validate() (model, string) {
	switch {
	case m.token.of == "":
		return m, "AuthRequired"
	case m.weather == forbidden:
		return m.verifies(), no
	case m.weather != fine:
		return m, m.weather.failure()
	case m.token.refused && !m.recovers():
		m.asked, m.doubted = true, !m.over
		return m, no
	}
	return m.verifies(), yes
}

// validateRefusedOnce is a no that plex.tv takes back when it is asked again.
func (m model) validateRefusedOnce() (model, string) {
	m.token.refused = true
	m, answer := m.validate()
	m.token.refused = false
	return m, answer
}

// store takes what plex.tv takes. Who names the user may do so without plex.tv,
// but not in another token's place.
func (m model) store(t token, named bool) (model, string) {
	unasked := m.weather != fine && m.weather != forbidden
	switch {
	case unasked && (!named || m.token.of != "" && m.token.text != t.text):
		return m, m.weather.failure()
	case unasked:
		m = m.signedIn(t)
		m.asked, m.verified = false, false
		m.hindered = true
		return m, done
	case m.weather == forbidden:
		return m, "Forbidden"
	case t.refused:
		return m, "AuthInvalid"
	}
	return m.signedIn(t), done
}

// signOut forgets here whatever becomes of the question to plex.tv.
func (m model) signOut() (model, string) {
	if m.token.of == "" {
		return m, no
	}
	if m.weather != fine {
		return m.signedOut(), no
	}
	if m.token.jwt || m.token.refused {
		m.key = "" // plex.tv has removed the device
	}
	return m.signedOut(), yes
}

func (m model) clear() (model, string) { return m.signedOut(), done }

func (m model) selectServer(id string) (model, string) {
	if m.token.of == "" {
		return m, "AuthRequired"
	}
	m.server = id
	return m, done
}

// getToken changes nothing and is asked for by both callers after each step.
func (m model) getToken() string {
	switch {
	case m.token.of == "":
		return "AuthRequired"
	case m.over:
		return "AuthInvalid"
	default:
		return m.token.text
	}
}

// ends is what a crash leaves: what is on disk.
func (m model) ends() model {
	m.running, m.asked, m.verified, m.doubted, m.lingers, m.past = false, false, false, false, false, ""
	return m
}

func (m model) starts() model {
	m.running, m.unmoved, m.hindered = true, false, false
	return m.feels(m.weather)
}

// reloads has the daemon look at once at what is to be asked.
func (m model) reloads(jwt bool) model {
	m.jwt, m.hindered = jwt, m.weather != fine
	return m
}

// feels is the weather as it changes.
func (m model) feels(w weather) model {
	m.lingers = m.hindered && w != fine && (m.lingers || m.weather == fine)
	m.weather = w
	m.hindered = m.hindered || w != fine
	m.unmoved = m.unmoved || w == forbidden
	return m
}
