// SPDX-License-Identifier: Apache-2.0

//go:build noforcedgc

package plextv

import (
	"crypto/x509"
	_ "unsafe" // for go:linkname
)

// readSystemRoots reads the root certificates of the system. What crypto/x509 exports for
// that, and what it does itself where there are none in a [tls.Config], keeps them in
// memory until the program ends. The linker wants -checklinkname=0 for this.
//
//go:linkname readSystemRoots crypto/x509.loadSystemRoots
func readSystemRoots() (*x509.CertPool, error)
