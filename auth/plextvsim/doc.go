// Package plextvsim is a simulator of plex.tv for tests and demonstrations: the
// part of its HTTP interface that a player needs to sign in, with plex.tv's
// answers in JSON and XML, its error codes, and faults on demand.
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
// statuses; the fields of a PIN, an account and a resource with their types in
// both formats; 4-character PINs that live 900 s and 25-character PINs that live
// 1800 s; errors 1000, 1001, 1002, 1003, 1009 and 1020 with their statuses.
//
// # What is not known of plex.tv
//
// The simulator has to do something here. Do not take it for a fact:
//
//   - Reading a PIN again after its token was read gives the token again until
//     the PIN expires. With [Options.TokenOnce] it is 404 instead.
//   - A 429 has no Retry-After unless [Fault.RetryAfter] says so (the only
//     report that looked saw none). There is no limit of its own: ask for 429
//     with [Sim.Fail].
//   - The JSON form of the 422 "Invalid token"; only its XML form was seen.
//     [Fault.Body] puts any other in its place.
//   - A claimed PIN cannot be linked a second time: 404 with 1020.
//   - A new token for a device leaves its older tokens valid.
//   - The code= argument of a PIN check is ignored.
//   - An owned server's accessToken is the token that asked. It was seen so with
//     JWTs only. Relay and IPv6 connections are listed when they are asked for.
//   - A PIN requested without X-Plex-Product has the product "0", as in one sample.
//   - Errors 1004, 1007 and 1043, which only a [Fault] brings about, are known from
//     one client's table.
//   - Ping wants a valid token, and its XML is one element with the text "true".
//   - Statuses of which no plex.tv body is known, such as 502, carry an HTML
//     page as load balancers send.
package plextvsim
