// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"errors"
	"fmt"
	"net/http"
)

// ControlHelp lists what [Sim.Control] serves, for people.
const ControlHelp = `POST /sim/claim?code=ABCD      claim a PIN as the first user; &user=NAME as another
POST /sim/expire?code=ABCD     let a PIN's time run out now
POST /sim/revoke               refuse all tokens given out so far; &user=NAME only that user's,
                               &status=401 (default), 403, 422 ("Invalid token"), 0 (good again)
POST /sim/remove-device        remove all devices that signed in; &user=NAME or &client=ID only
                               some: tokens are refused, a device key is forgotten
POST /sim/home-user?user=NAME  add somebody to the first user's Plex Home; &pin=1234 protects,
                               &restricted=1 is a managed user, &guest=1 the guest
POST /sim/remove-home-user?user=NAME
                               take somebody out of the home again; the user's tokens end
POST /sim/password?password=TEXT
                               let the first user sign in with a password; &user=NAME another,
                               &verification-code=123456 as the second factor
POST /sim/jwt-lifetime?lifetime=10m
                               how long new JWTs are valid; 168h at first
POST /sim/next-jwt?bad=NAME    the next JWT is one that must not be taken:
                               alg-none expired hs256 huge no-expiry no-thumbprint not-yet-valid
                               unknown-kid wrong-audience wrong-issuer wrong-signature
                               wrong-thumbprint
POST /sim/rotate-keys?old=NAME sign JWTs with a new key; the old ones are listed, hidden (good,
                               but not listed) or dropped
POST /sim/rotate-server-tokens media servers want new tokens; &machine=ID only that one
POST /sim/fail?status=503      make requests go wrong until /sim/clear; arguments add up:
       endpoint=NAME           pins.request pins.check pins.link user signout ping resources
                               auth.jwk auth.nonce auth.token auth.keys home.users home.switch
                               signin v1.account v1.resources v1.servers v1.users
                               v1.home.users v1.home.switch v1.devices v1.device.remove
       times=N                 only the next N requests
       for=8s                  only for so long
       status=N code=N         HTTP status, plex.tv's own error code
       retry-after=TEXT        the Retry-After header
       delay=2s skew=-1h       answer late; plex.tv's clock is off
       reset=1 cut-off=1       reset the connection; break off inside the body
       stall=1                 send half of the body and no more
       lost=1                  carry the request out, then reset the connection
       body=TEXT               another body
       content-type=TEXT       another content type
       location=URL            redirect
       pad-to=N                white space up to N bytes of body
       captive-portal=1        the HTML page of a guest network
POST /sim/clear                end all that /sim/fail began
GET  /sim/state                PINs, users, devices, faults and counts of requests, as JSON
`

// Control returns a handler for the paths that [ControlHelp] lists. Whoever
// reaches it has the simulator in hand; no token and no PIN id is ever answered.
func (s *Sim) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/state", s.serveState)
	for name, command := range map[string]func(*arguments) (string, error){
		"claim": s.claimCommand, "expire": s.expireCommand, "revoke": s.revokeCommand,
		"fail": s.failCommand, "clear": s.clearCommand,
		"remove-device": s.removeDeviceCommand, "home-user": s.homeUserCommand,
		"remove-home-user": s.removeHomeUserCommand, "password": s.passwordCommand,
		"jwt-lifetime": s.jwtLifetimeCommand, "next-jwt": s.nextJWTCommand,
		"rotate-keys": s.rotateKeysCommand, "rotate-server-tokens": s.rotateServerTokensCommand,
	} {
		mux.HandleFunc("POST /sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			line, err := "", r.ParseForm()
			if err == nil {
				line, err = command(&arguments{values: r.Form})
			}
			switch {
			case errors.Is(err, ErrNoPin), errors.Is(err, errNoUser), errors.Is(err, ErrNoDevice):
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
