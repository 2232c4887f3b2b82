// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/rand"
	"math/big"
)

// tokenAlphabet is what plex.tv's 20-character tokens are made of.
const tokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// hexDigits are what plex.tv's other identifiers are made of.
const hexDigits = "0123456789abcdef"

func randomText(alphabet string, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = alphabet[randomBelow(len(alphabet))]
	}
	return string(text)
}

// randomID gives a PIN id of the size that plex.tv's had in 2025; it fits 31 bits.
func randomID() int64 { return 1_100_000_000 + int64(randomBelow(1_000_000_000)) }

func randomBelow(limit int) int {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		panic("plextvsim: no random numbers: " + err.Error())
	}
	return int(n.Int64())
}
