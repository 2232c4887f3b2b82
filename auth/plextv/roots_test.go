// SPDX-License-Identifier: Apache-2.0

//go:build noforcedgc

package plextv_test

import (
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextv"
)

// TestRuntimeKeepsNoRoots installs plex.tv's root certificate after it was missed.
func TestRuntimeKeepsNoRoots(t *testing.T) {
	s := serve(t, reply(200, jsonType, waiting))
	dir := t.TempDir()
	bundle := filepath.Join(dir, "ca.pem")
	t.Setenv("SSL_CERT_FILE", bundle)
	t.Setenv("SSL_CERT_DIR", filepath.Join(dir, "none"))
	install := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(bundle, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := s.client(t, func(cfg *plextv.Config) { cfg.RootCAs = nil })
	install(nil)
	if e := failed(t, check(context.Background(), c), plextv.Unreachable); !strings.Contains(e.Error(), "unknown authority") {
		t.Error(e)
	}
	install(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	if err := check(context.Background(), c); err != nil {
		t.Error("with the certificate: ", err)
	}
}
