// SPDX-License-Identifier: Apache-2.0

package plextvsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// newCertificate makes an authority and a certificate of it for this machine and
// the host, and returns the authority's certificate in PEM. The authority's key
// is forgotten.
func newCertificate(host string) (tls.Certificate, []byte, error) {
	authority := newTemplate("plextv-sim authority")
	authority.IsCA = true
	authority.KeyUsage = x509.KeyUsageCertSign
	authority, authorityKey, err := sign(authority, authority, nil)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf := newTemplate("plextv-sim")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.DNSNames = []string{"localhost"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else if host != "" {
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	leaf, leafKey, err := sign(leaf, authority, authorityKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey}, caPEM, nil
}

// newTemplate takes the real time, as those who check the certificate do.
func newTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(100, 0, 0),
		BasicConstraintsValid: true,
	}
}

// sign makes a key and a certificate for it, signed by the issuer's key or, if
// that is nil, by itself. What it returns has the key identifiers that strict
// verifiers want to find in the next certificate.
func sign(template, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key for %s: %w", template.Subject.CommonName, err)
	}
	if issuerKey == nil {
		issuerKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate for %s: %w", template.Subject.CommonName, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate for %s: %w", template.Subject.CommonName, err)
	}
	return certificate, key, nil
}
