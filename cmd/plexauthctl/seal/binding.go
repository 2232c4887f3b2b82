// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"encoding/base64"
	"encoding/hex"
	"os"
)

// Binding is what decrypts a credential, with the names of systemd-creds(1)
// --with-key=.
type Binding string

// The bindings that a key may have.
const (
	Host       Binding = "host"      // systemd's own key, in a file of root's
	TPM        Binding = "tpm2"      // the TPM 2.0
	HostAndTPM Binding = "host+tpm2" // both are needed
)

// usesHost is true for an unknown binding: it is better to check once too often.
func (b Binding) usesHost() bool { return b != TPM }
func (b Binding) usesTPM() bool  { return b == TPM || b == HostAndTPM }

// bindings are the kinds of credentials by the identifier that they begin with, as
// systemd 252 to 262 make them and those with a signed PCR policy.
var bindings = map[string]Binding{
	"5a1c6a86df9d4096b1d5a65e0862f19a": Host,
	"0c7cc07b117645919c4b0bea08bc20fe": TPM,
	"faf7eb9341e3412ca1a436f95a29362f": TPM,
	"d4062dfb71ad4c86804b40ef1180f1fc": TPM,
	"93a894094874449090caf2fc93cab553": HostAndTPM,
	"af4950a849134eb1a73846304ff30c05": HostAndTPM,
	"1414258818a240cd900bce862db5c7b9": HostAndTPM,
}

// bindingOf tells what decrypts a credential; empty if that is not known.
func bindingOf(credential []byte) Binding {
	start := make([]byte, base64.StdEncoding.DecodedLen(len(credential)))
	n, _ := base64.StdEncoding.Decode(start, credential) // systemd-creds judges it
	return bindings[hex.EncodeToString(start[:min(n, idSize)])]
}

// idSize is the length of the identifiers of systemd, in bytes.
const idSize = 16

// binding is what a new key is bound to.
func (o Options) binding() Binding {
	switch {
	case o.WithKey != "":
		return o.WithKey
	case o.hasTPM():
		return HostAndTPM
	}
	return Host
}

// hasTPM tells whether the kernel drives a TPM 2.0. systemd-creds has-tpm2 does not
// suffice: up to 257 it counts only a TPM that the firmware has used.
func (o Options) hasTPM() bool {
	found, _ := os.ReadDir(o.tpms) // nothing there: none
	return len(found) > 0
}
