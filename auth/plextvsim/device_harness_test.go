// SPDX-License-Identifier: Apache-2.0

package plextvsim_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	signatureJSON = `{"errors":[{"message":"Signature verification failed","status":422}]}`
	takenJSON     = `{"errors":[{"message":"Thumbprint has already been taken","status":422}]}`
	nonceJSON     = `{"errors":[{"message":"Nonce is invalid","status":422}]}`
	expiredJSON   = `{"errors":[{"message":"JWT has expired","status":498}]}`
	noKeyJSON     = `{"errors":[{"code":1097,"message":"No public key to verify the JWT with","status":422}]}`
	malformedJSON = `{"errors":[{"code":1004,"message":"The request was malformed, missed a required parameter or contained invalid values for them","status":400}]}`
)

// identity is a client identifier with its key.
type identity struct {
	client, kid string
	private     ed25519.PrivateKey
}

// newIdentity makes one; the same name has always the same key.
func newIdentity(name string) identity {
	seed := sha256.Sum256([]byte(name))
	return identity{"client-" + name, "kid-" + name, ed25519.NewKeyFromSeed(seed[:])}
}

// device is a box with a key. Its requests name its client identifier.
type device struct {
	*box
	identity
}

func (b *box) newDevice(name string) *device { return &device{b, newIdentity(name)} }

func encode(part any) string {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func (i identity) jwk() map[string]any {
	x := base64.RawURLEncoding.EncodeToString(i.private.Public().(ed25519.PublicKey))
	return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": i.kid, "use": "sig", "alg": "EdDSA"}
}

// claimsAt are those of a device JWT for the nonce.
func (i identity) claimsAt(now time.Time, nonce string) map[string]any {
	return map[string]any{
		"nonce": nonce, "scope": "username,email", "aud": "plex.tv", "iss": i.client,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
}

func (i identity) sign(header, claims map[string]any) string {
	input := encode(header) + "." + encode(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.private, []byte(input)))
}

func (i identity) header() map[string]any {
	return map[string]any{"kid": i.kid, "alg": "EdDSA", "typ": "JWT"}
}

func (d *device) claims(nonce string) map[string]any { return d.claimsAt(d.clock.Now(), nonce) }

func (d *device) jwt(nonce string) string { return d.sign(d.header(), d.claims(nonce)) }

// ask sends a request of the device's, with body as JSON unless it is nil.
func (d *device) ask(method, target string, body any, header ...string) answer {
	d.Helper()
	header = append([]string{"X-Plex-Client-Identifier", d.client}, header...)
	if body == nil {
		return d.send(method, target, "", header...)
	}
	text, err := json.Marshal(body)
	if err != nil {
		d.Fatal(err)
	}
	return d.send(method, target, string(text), append([]string{"Content-Type", "application/json"}, header...)...)
}

func (d *device) register(token string) answer {
	d.Helper()
	return d.ask("POST", "/api/v2/auth/jwk", map[string]any{"jwk": d.jwk()}, as(token)...)
}

func (d *device) nonce() string {
	d.Helper()
	return between(d, d.ask("GET", "/api/v2/auth/nonce", nil).body, `{"nonce":"`, `"}`)
}

func (d *device) exchange(jwt string) answer {
	d.Helper()
	return d.ask("POST", "/api/v2/auth/token", map[string]string{"jwt": jwt})
}

// refresh gets a Plex JWT.
func (d *device) refresh() string {
	d.Helper()
	a := d.exchange(d.jwt(d.nonce()))
	if a.status != http.StatusOK {
		d.Fatalf("refreshing: %d, %s", a.status, a.body)
	}
	return between(d, a.body, `{"auth_token":"`, `"}`)
}

// signIn signs the device in the old way and returns its legacy token.
func (d *device) signIn() string {
	d.Helper()
	path, code := d.askPin(nil)
	if err := d.sim.Claim(code, ""); err != nil {
		d.Fatal(err)
	}
	return between(d, d.ask("GET", path, nil).body, `"authToken":"`, `"`)
}

// moveOver signs the device in and turns its legacy token into a JWT.
func (d *device) moveOver() (legacy, jwt string) {
	d.Helper()
	legacy = d.signIn()
	equal(d, "registering a key", d.register(legacy).status, http.StatusCreated)
	return legacy, d.refresh()
}

// user is what plex.tv says of the token's account: the user name, or status and
// body of the refusal.
func (d *device) user(token string) string {
	d.Helper()
	a := d.ask("GET", "/api/v2/user", nil, as(token)...)
	if a.status != http.StatusOK {
		return http.StatusText(a.status) + a.body
	}
	return between(d, a.body, `"username":"`, `"`)
}

// part decodes a part of a JWT.
func (d *device) part(jwt string, number int) (decoded map[string]any) {
	d.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		d.Fatalf("not a JWT: %s", jwt)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[number])
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		d.Fatalf("part %d of %s: %v", number, jwt, err)
	}
	return decoded
}

// verified tells whether a key that plex.tv lists made the JWT.
func (d *device) verified(jwt string) bool {
	d.Helper()
	var list struct {
		Keys []struct{ Kid, Kty, Crv, X string }
	}
	if err := json.Unmarshal([]byte(d.send("GET", "/api/v2/auth/keys", "", "X-Plex-Client-Identifier", "-").body), &list); err != nil {
		d.Fatal(err)
	}
	end := strings.LastIndex(jwt, ".")
	signature, _ := base64.RawURLEncoding.DecodeString(jwt[end+1:])
	for _, key := range list.Keys {
		public, err := base64.RawURLEncoding.DecodeString(key.X)
		if err == nil && key.Kid == d.part(jwt, 0)["kid"] && key.Kty+key.Crv == "OKPEd25519" {
			return ed25519.Verify(public, []byte(jwt[:end]), signature)
		}
	}
	return false
}

// askPin requests a PIN with the JSON body, if it is not nil.
func (d *device) askPin(body any) (path, code string) {
	d.Helper()
	a := d.ask("POST", "/api/v2/pins", body)
	if a.status != http.StatusCreated {
		d.Fatalf("POST pins: %d, %s", a.status, a.body)
	}
	return "/api/v2/pins/" + between(d, a.body, `"id":`, ","), between(d, a.body, `"code":"`, `"`)
}

// withKey is the body of a PIN request of a device with a key.
func (d *device) withKey() map[string]any { return map[string]any{"jwk": d.jwk(), "strong": true} }

// signInWithKey signs the device in with its key and returns the JWT.
func (d *device) signInWithKey() string {
	d.Helper()
	path, code := d.askPin(d.withKey())
	if err := d.sim.Claim(code, ""); err != nil {
		d.Fatal(err)
	}
	return between(d, d.ask("GET", path+"?deviceJWT="+d.jwt(""), nil).body, `"authToken":"`, `"`)
}
