// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"net/http"
	"strings"
)

// wrongPasswordLimit is how many wrong passwords in a row plex.tv takes before it
// answers error 1031 for a while. The number is a guess.
const wrongPasswordLimit = 10

// signIn answers POST /users/sign_in.xml, .json and POST /api/v2/users/signin: a
// password instead of a PIN, which no new program should ask for.
func (s *Sim) signIn(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	login, password, code := x.credentials()
	user, refusal := s.checkPassword(login, password, code)
	if user == nil {
		return x.refuseSignIn(refusal)
	}
	d := s.deviceOf(x.client(), user)
	if d.issued > 0 && s.options.LegacyPin == LegacyPinRefused {
		return s.unprocessable("Device signs in with its key")
	}
	d.user = user
	session := &session{user: user}
	s.issue(session)
	s.addSession(d, session)
	x.log = user.Username + " signed in with a password"
	if x.v1 {
		return reply{http.StatusCreated, newV1UserDoc(user, session.token).wrapped()}
	}
	return reply{http.StatusCreated, newUserDoc(user, session.token, x)}
}

// credentials are a name, a password and a two-factor code: HTTP's Basic
// authentication, or a form whose fields the old endpoint names user[login].
func (x *exchange) credentials() (login, password, code string) {
	code = x.param("verificationCode")
	if login, password, ok := x.request.BasicAuth(); ok {
		return login, password, code
	}
	if x.form.Has("user[login]") {
		return x.form.Get("user[login]"), x.form.Get("user[password]"), code
	}
	return x.form.Get("login"), x.form.Get("password"), code
}

// checkPassword returns who signs in, or the code of plex.tv's error. The code of
// two factors may also follow the password, which is how programs sent it that
// had one field for both.
func (s *Sim) checkPassword(login, password, code string) (*User, int) {
	user := s.userWithLogin(login)
	if user == nil || user.Password == "" {
		return nil, codeNoUser
	}
	if user.wrongPasswords >= wrongPasswordLimit {
		return nil, codeSignInLimit
	}
	if code == "" && user.VerificationCode != "" {
		if rest, found := strings.CutPrefix(password, user.Password); found {
			password, code = user.Password, rest
		}
	}
	if password != user.Password {
		user.wrongPasswords++
		return nil, codeNoUser
	}
	switch {
	case user.VerificationCode == "" || code == user.VerificationCode:
		user.wrongPasswords = 0
		return user, 0
	case code == "":
		return nil, codeNeedsVerification
	}
	user.wrongPasswords++
	return nil, codeWrongVerification
}

func (s *Sim) userWithLogin(login string) *User {
	for _, user := range s.users {
		if user.hasPassword() && (user.Username == login || user.Email == login) {
			return user
		}
	}
	return nil
}

// refuseSignIn is the reply to somebody who cannot sign in. For a wrong password
// the old endpoint has a form of its own.
func (x *exchange) refuseSignIn(code int) reply {
	if !x.v1 || code != codeNoUser {
		return refuse(code)
	}
	const message = "Invalid email, username, or password."
	return reply{http.StatusUnauthorized, list{
		items:   map[string]string{"error": message},
		element: errorsDoc{Errors: []apiError{{Message: message}}},
	}}
}
