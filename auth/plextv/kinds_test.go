// SPDX-License-Identifier: Apache-2.0

package plextv_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

const noKey = `{"errors":[{"code":1097,"message":"JWK not found"}]}`

func TestCodesSayMoreToSomeCalls(t *testing.T) {
	taken := `{"errors":[{"code":1,"message":"Thumbprint has already been taken"}]}`
	badSignature := `{"errors":[{"message":"Signature verification failed"}]}`
	invalid := `<errors><error>Invalid token</error></errors>`
	type ask = func(context.Context, *plextv.Client) error
	for name, test := range map[string]struct {
		do     ask
		answer http.HandlerFunc
		kind   plextv.Kind
	}{
		"key unknown, 401":     {exchange, reply(401, jsonType, noKey), plextv.KeyUnknown},
		"key unknown, 422":     {exchange, reply(422, jsonType, noKey), plextv.KeyUnknown},
		"key unknown, 498":     {exchange, reply(498, jsonType, noKey), plextv.KeyUnknown},
		"key unknown, PIN":     {checkWithKey, reply(400, jsonType, noKey), plextv.KeyUnknown},
		"key unknown, 500":     {exchange, reply(500, jsonType, noKey), plextv.ServerError},
		"code of a portal":     {exchange, reply(401, "text/html", "<html>1097"), plextv.InvalidResponse},
		"stale device JWT":     {exchange, reply(498, "", ""), plextv.Stale},
		"wrong signature":      {exchange, reply(422, jsonType, badSignature), plextv.Rejected},
		"invalid device JWT":   {exchange, reply(422, "text/xml", invalid), plextv.Rejected},
		"device removed":       {exchange, reply(401, jsonType, badToken), plextv.Refused},
		"PIN with key expired": {checkWithKey, reply(404, jsonType, unknown), plextv.Gone},
		"key taken":            {registerKey, reply(422, jsonType, taken), plextv.KeyTaken},
		"key taken, no body":   {registerKey, reply(422, "", ""), plextv.KeyTaken},
		"token refused":        {registerKey, reply(422, "text/xml", invalid), plextv.Refused},
		"bad key":              {registerKey, reply(400, jsonType, taken), plextv.Rejected},
		"taken, says a portal": {registerKey, reply(422, "text/html", "<html>"), plextv.InvalidResponse},
		"no key for a PIN":     {requestPinWithKey, reply(422, jsonType, taken), plextv.Rejected},
		"wrong PIN":            {switchUser, reply(403, jsonType, pinRefused), plextv.PinRejected},
		"PIN of another kind":  {switchUser, reply(422, jsonType, `{"errors":[{"code":1038}]}`), plextv.PinRejected},
		"not for this user":    {switchUser, reply(403, jsonType, `{"errors":[{"code":1043}]}`), plextv.Forbidden},
		"admin's token":        {switchUser, reply(401, jsonType, badToken), plextv.Refused},
		"switch, 429":          {switchUser, reply(429, jsonType, pinRefused), plextv.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			_, done := slowly(t, s, test.do)
			failed(t, outcome(t, done), test.kind)
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}
