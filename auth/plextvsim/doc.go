// SPDX-License-Identifier: Apache-2.0

// Package plextvsim is a simulator of plex.tv for tests and demonstrations: the
// part of its HTTP interface that a player needs to sign in and stay signed in,
// with plex.tv's answers in JSON and XML, its error codes, and faults on demand.
//
// A test starts it in its own process:
//
//	sim := plextvsim.New(plextvsim.Options{})
//	server := sim.StartTLS()
//	defer server.Close()
//	token := sim.AddUser(plextvsim.User{Username: "alice"})
//	…
//	err := sim.Claim(code, token) // what a person does at plex.tv/link
//
// Its tokens open nothing, so they are plain strings here.
//
// # What it answers
//
// Answers are JSON when the Accept header names application/json or the path
// ends in .json, otherwise XML. Every X-Plex- value may come as a header, in the
// query or in a form body.
//
// Documented by Plex or seen in captured traffic: the endpoints and their
// statuses; the fields of a PIN, an account, a home and a resource with their
// types; 4-character PINs that live 900 s and 25-character PINs that live 1800 s;
// errors 1000, 1001, 1002, 1003, 1009, 1020 and 1041 with their statuses; device
// keys and the JWTs that are had for them, which end the device's tokens from
// PINs; 422 for a device JWT that does not verify and for a key that is registered
// already, 498 for a JWT that has expired; that a media server answers 401 to an
// account's JWT, and that the token of a switch to oneself is none.
//
// The endpoints without a version, which older clients ask, answer XML, and JSON
// where the path ends in .json, whatever Accept says. There a password may be had
// in place of a PIN, with 401 and codes 1028, 1029 and 1031 for a code of two
// factors that is wrong or missing and for too many tries.
//
// Any number of devices may call for simulated years: a request costs the same
// however many there are, and what is remembered of past ones is bounded.
//
// # What is not known of plex.tv
//
// The simulator has to do something here. Do not take it for a fact. Where a
// client could depend on it, there is a switch in [Options], where it is said what
// happens without it. The rest:
//
//   - A 429 has no Retry-After unless [Fault.RetryAfter] says so (the only
//     report that looked saw none). There is no limit but [Options.SwitchLimit]:
//     ask for 429 with [Sim.Fail].
//   - The JSON form of the 422 "Invalid token"; only its XML form was seen. The
//     bodies of 498, of 1097 and of the other 422s, which have no code here.
//     [Fault.Body] puts any other in their place.
//   - A claimed PIN cannot be linked a second time: 404 with 1020.
//   - A new token for a device leaves its older tokens from PINs valid, a new JWT
//     its older JWTs. The 100 newest tokens of a device are remembered.
//   - The code= argument of a PIN check is ignored. A PIN with a key shows no token
//     to a check without deviceJWT.
//   - An owned server's accessToken is the opaque token that asked. Relay and IPv6
//     connections are listed when they are asked for.
//   - A PIN requested without X-Plex-Product has the product "0", as in one sample.
//   - Errors 1004, 1007, 1038 and 1043 are known from one client's table, the
//     status 400 of 1038 from nobody.
//   - Which of 1028 and 1029 says that the code of two factors is missing, and how
//     many wrong passwords it takes to 1031: here ten in a row. The texts of the three.
//   - The JSON form of lists of the endpoints without a version, /devices.json apart.
//     The friends of /api/users/ are the others of the home.
//   - Ping wants a valid token, and its XML is one element with the text "true".
//   - Statuses of which no plex.tv body is known, such as 502, carry an HTML
//     page as load balancers send.
//
// Of device keys and JWTs:
//
//   - Only Ed25519 keys are taken, though Plex documents RS256 too; one with its
//     private part is refused (400).
//   - A key is a device's only one: a new one takes the place of the old, whose
//     JWTs stay good. A device's key is free for others when it is removed.
//   - A key that is registered with a token of [Sim.AddUser], which is of no
//     device, makes it one of the client identifier in the request.
//   - Who signs in to a device ends the JWTs of the person before.
//   - A device JWT need not have iat and exp. A nonce is used up by a device JWT
//     that is good otherwise, and works for every device.
//   - A Plex JWT has a jti, so that no two are the same, and of the account just
//     user.id, whatever the scope was. plex.tv itself does not look at thumbprint.
//   - Auth endpoints and the list of a home are JSON for everybody.
//   - The list of keys needs no X-Plex-Client-Identifier; plex.tv names it as its
//     OpenID jwks_uri.
//
// Of homes:
//
//   - Every member may list the users and switch, managed ones too. Who has no
//     home is alone in one.
//   - Somebody who is not of the home cannot be switched to: 404 with 1002.
//   - A managed user has a user name and an e-mail address as an account, and none
//     in the list.
//   - Removing a device ends its tokens from switches as well.
package plextvsim
