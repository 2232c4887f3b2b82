// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// BadJWTs returns changes for [Sim.NextJWT] by name. Each makes a JWT that a client
// must not take for its own.
func BadJWTs() map[string]func(*JWT) {
	return map[string]func(*JWT){
		"wrong-issuer":     func(jwt *JWT) { jwt.Claims["iss"] = "plex.example" },
		"wrong-audience":   func(jwt *JWT) { jwt.Claims["aud"] = []string{issuer, "another-client"} },
		"wrong-thumbprint": func(jwt *JWT) { jwt.Claims["thumbprint"] = strings.Repeat("A", 43) },
		"no-thumbprint":    func(jwt *JWT) { delete(jwt.Claims, "thumbprint") },
		"no-expiry":        func(jwt *JWT) { delete(jwt.Claims, "exp") },
		"expired":          func(jwt *JWT) { jwt.move(-jwt.lifetime()) },
		"not-yet-valid":    func(jwt *JWT) { jwt.move(jwt.lifetime()); jwt.Claims["nbf"] = jwt.Claims["iat"] },
		"unknown-kid":      func(jwt *JWT) { jwt.Header["kid"] = strings.Repeat("0", 32) },
		"wrong-signature":  func(jwt *JWT) { jwt.Sign = newSigningKey().sign },
		"alg-none":         algNone,
		"hs256":            hs256,
		"huge":             func(jwt *JWT) { jwt.Claims["padding"] = strings.Repeat("A", 256<<10) },
	}
}

// algNone says that there is no signature to check.
func algNone(jwt *JWT) {
	jwt.Header["alg"] = "none"
	jwt.Sign = func([]byte) []byte { return nil }
}

// hs256 makes the public key, which everybody knows, the secret of a symmetric
// signature: a client that lets the header choose the algorithm falls for it.
func hs256(jwt *JWT) {
	jwt.Header["alg"] = "HS256"
	jwt.Sign = func(input []byte) []byte {
		mac := hmac.New(sha256.New, jwt.PublicKey)
		mac.Write(input)
		return mac.Sum(nil)
	}
}

// lifetime is how many seconds the JWT is valid.
func (jwt *JWT) lifetime() int64 { return jwt.Claims["exp"].(int64) - jwt.Claims["iat"].(int64) }

// move shifts the time of validity.
func (jwt *JWT) move(seconds int64) {
	for _, claim := range []string{"iat", "exp"} {
		jwt.Claims[claim] = jwt.Claims[claim].(int64) + seconds
	}
}
