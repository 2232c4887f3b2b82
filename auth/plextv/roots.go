// SPDX-License-Identifier: Apache-2.0

package plextv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"weak"
)

// systemRoots are the root certificates of the system. They take 240 KiB on Debian, so
// they stay in memory only as long as a connection uses them, which is seconds a day.
type systemRoots struct {
	mu   sync.Mutex
	pool weak.Pointer[x509.CertPool] // what connections share
}

func (r *systemRoots) get() (*x509.CertPool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pool := r.pool.Value(); pool != nil {
		return pool, nil
	}
	pool, err := readSystemRoots()
	if err != nil {
		return nil, x509.SystemRootsError{Err: err}
	}
	r.pool = weak.Make(pool)
	return pool, nil
}

// forget has the next connection read them again.
func (r *systemRoots) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool = weak.Pointer[x509.CertPool]{}
}

// dialer returns a function that connects over TLS, with these roots unless config has
// others. After a connection has failed it reads them again, because they may have changed.
func (r *systemRoots) dialer(tcp *net.Dialer, config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		own := config.Clone()
		if own.RootCAs == nil {
			if own.RootCAs, err = r.get(); err != nil {
				return nil, err
			}
		}
		if conn, err = (&tls.Dialer{NetDialer: tcp, Config: own}).DialContext(ctx, network, address); err != nil {
			r.forget()
		}
		return conn, err
	}
}
