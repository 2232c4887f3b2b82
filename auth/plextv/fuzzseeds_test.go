// SPDX-License-Identifier: Apache-2.0

package plextv

const jsonHead = "Content-Type: application/json"

// Answers of plex.tv in the shapes that have been seen.
const (
	pinSeed      = `{"id":918273645,"code":"A1B2","expiresIn":876,"expiresAt":"2026-01-15T12:15:00Z","authToken":null}`
	claimedSeed  = `{"id":"918273645","code":"v4ztc1rhmyh3kbyrmb3gxtqqu","expiresAt":"2026-01-15T12:15:00Z","authToken":"t.o-k_en"}`
	oddSeed      = `{"id":1,"code":1234,"expiresIn":-1e300,"authToken":null}`
	userSeed     = `{"id":42,"uuid":"{1}","username":"ann","title":"Ann","email":"a@example.org","thumb":"https://plex.tv/a.png","homeAdmin":true,"restricted":"0","authToken":"t.o-k_en"}`
	serversSeed  = `[{"clientIdentifier":"a","name":"n","provides":"client,server","owned":1,"presence":true,"accessToken":"t","connections":[{"uri":"https://a:1","local":true},{"uri":"http://[::1]:2","relay":1},null]},{"provides":"player"},7]`
	homeSeed     = `{"id":1,"users":[{"id":1,"uuid":"u","title":"Ann","admin":true,"protected":false},{"id":2,"uuid":"v","title":"","username":"kim","restricted":1},null]}`
	keysSeed     = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]}`
	nonceSeed    = `{"nonce":"7c415b56-8f48-488a-98ab-847ef4460442"}`
	exchangeSeed = `{"auth_token":"t.o-k_en"}`
)

// goodAnswers are in the order of questions.
var goodAnswers = [][]string{
	{pinSeed, oddSeed}, {pinSeed}, {pinSeed, claimedSeed, oddSeed}, {claimedSeed}, {nonceSeed}, {exchangeSeed}, {"", "{}"}, {keysSeed},
	{userSeed}, {serversSeed, "[]"}, {homeSeed, `{"users":[]}`}, {userSeed}, {"", "{}"},
}

// badAnswers are of plex.tv and of those in between.
var badAnswers = []struct {
	status     uint16
	head, body string
}{
	{401, jsonHead, `{"errors":[{"code":1001,"message":"User could not be authenticated","status":401}]}`},
	{401, "Content-Type: text/html", "<!DOCTYPE html><title>Welcome to the hotel</title>"},
	{401, "Content-Length: 0", ""},
	{401, jsonHead, "Sign in to the hotel's network first"},
	{403, jsonHead, `{"errors":[{"code":"1041","message":"A valid PIN is required","status":403}]}`},
	{404, "Content-Type: application/xml", `<errors><error code="1020" message="Code {0} not found or expired"/></errors>`},
	{422, jsonHead, `{"errors":[{"code":1000,"message":"Invalid token {0} {1}"}]}`},
	{498, jsonHead, `{"errors":[{"code":1097,"message":"unknown key"}]}`},
	{429, "Retry-After: 3", ""},
	{503, "Retry-After: Thu, 15 Jan 2026 13:00:00 GMT\r\nDate: Thu, 15 Jan 2026 12:00:00 GMT", "{0}"},
	{302, "Location: /api/v2/{0}?{0}", ""},
	{302, "Location: https://[{0}", ""},
	{200, jsonHead + "; charset=utf-8\r\nDate: Thursday, 15-Jan-26 12:00:00 GMT\r\nAge: 0", `{"id":"{0}","code":"\u2028{0}"}`},
	{200, jsonHead + "\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"},
	{200, jsonHead + "\r\nContent-Length: 9", "[{}]"},
	{200, "Content-Type: text/html", "<html>{0}"},
	{200, "{0}", "{0}"},
	{100, "", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"},
}
