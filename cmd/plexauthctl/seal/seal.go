// SPDX-License-Identifier: Apache-2.0

// Package seal makes the key under which plexauthd seals its state. The key is a
// credential that systemd-creds(1) encrypts for this box alone, and the unit
// passes it to the daemon.
package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/systemd"
)

// Options say what to bind the key to, and where everything lies.
type Options struct {
	// WithKey is Host, TPM or HostAndTPM. Empty means HostAndTPM, or Host on a
	// box without a TPM 2.0.
	WithKey Binding
	// PCRs are the TPM's registers that must not change, as systemd-creds reads
	// them ("7", "0+7"). Empty means none: the key outlives updates of the
	// firmware and of Secure Boot.
	PCRs string

	Credential string // the file with the encrypted key
	State      string // the daemon's state file
	DropIn     string // the file that makes the unit pass the key

	// Note is told what does not keep Make from its work but should be known. It
	// may be nil.
	Note func(text string)

	// These have other places in tests only.
	hostKey, machineID, tpms, booted string
	inMemory                         func(path string) (string, error)
}

// Default is what fits the service that is installed.
func Default() Options {
	return Options{
		Credential: "/etc/credstore.encrypted/plexauthd.key",
		State:      statefile.ServicePath,
		DropIn:     "/etc/systemd/system/plexauthd.service.d/sealed.conf",
		hostKey:    "/var/lib/systemd/credential.secret",
		machineID:  "/etc/machine-id",
		tpms:       "/sys/class/tpmrm",
		booted:     systemd.Booted,
		inMemory:   statefile.InMemory,
	}
}

// Result is what was found or made.
type Result struct {
	Credential string  `json:"credential"`
	WithKey    Binding `json:"with_key,omitempty"` // empty if a key that was there tells nothing of it
	PCRs       string  `json:"pcrs,omitempty"`     // of a key that was made
	Made       bool    `json:"made"`               // the credential; false if it was there and opens
	// DropIn is the file that was written so that the unit passes the key. Empty if
	// the unit does so already.
	DropIn string `json:"drop_in,omitempty"`
}

// Make makes the key and the drop-in, each if it is not there yet. A key that is
// there is opened, made durable and never replaced: what was sealed with it would
// be lost. When Make returns without an error, the key has been opened once and
// outlives a power cut.
func (o Options) Make(ctx context.Context) (Result, error) {
	r := Result{Credential: o.Credential}
	if err := o.check(); err != nil {
		return r, err
	}
	passed, err := o.passed(ctx)
	if err != nil {
		return r, err
	}
	if !passed {
		if err := o.dropInLasts(); err != nil {
			return r, err
		}
	}
	dir, err := lockDir(filepath.Dir(o.Credential))
	if err != nil {
		return r, err
	}
	defer dir.Close()
	if err := o.findOrCreate(ctx, &r); err != nil {
		return r, err
	}
	if err := o.makeDurable(r.WithKey); err != nil {
		return r, err
	}
	if !passed {
		r.DropIn, err = o.writeDropIn()
	}
	return r, err
}

// findOrCreate opens the key that is there, or creates one.
func (o Options) findOrCreate(ctx context.Context, r *Result) error {
	sealed, err := statefile.IsSealed(o.State)
	if err != nil {
		return fmt.Errorf("checking whether the state is sealed: %w", err)
	}
	_, err = os.Lstat(o.Credential)
	switch {
	case err == nil:
		r.WithKey, err = o.open(ctx, sealed)
	case !errors.Is(err, fs.ErrNotExist):
	case sealed:
		err = fmt.Errorf("%s is sealed already, with a key that is not in %s: put that key back, "+
			"or remove the state, run this again and sign in again", o.State, o.Credential)
	default:
		r.Made = true
		r.WithKey = o.binding()
		r.PCRs, err = o.create(ctx, r.WithKey)
	}
	return err
}

// check refuses what cannot work before anything is touched.
func (o Options) check() error {
	if !filepath.IsAbs(o.Credential) || strings.ContainsAny(o.Credential, " \t\n%:\"'\\") {
		return fmt.Errorf("credential %q: use an absolute path without spaces and special characters", o.Credential)
	}
	if o.PCRs != "" && !o.binding().usesTPM() {
		return errors.New("PCRs are registers of the TPM, which a key bound to the host alone does not use")
	}
	if _, err := os.Stat(o.booted); err != nil {
		return errors.New("systemd does not run here: make the key on the box itself, and none in an image, " +
			"which would give all boxes the same")
	}
	return nil
}

func (o Options) note(format string, args ...any) {
	if o.Note != nil {
		o.Note(fmt.Sprintf(format, args...))
	}
}
