// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/retune-tv/plexauthd/auth/secret"
	"github.com/retune-tv/plexauthd/auth/statefile"
)

// credentialName is what the daemon looks for; systemd-creds binds a credential to
// its name.
const credentialName = "plexauthd.key"

// keySize is that of AES-256.
const keySize = 32

// unmeasuredPCR is the TPM's register for debugging: nothing that boots a box
// measures into it, so it is the same after each boot.
const unmeasuredPCR = "16"

// create makes a key and the file with it, and returns the PCRs that it is bound to.
func (o Options) create(ctx context.Context, binding Binding) (pcrs string, err error) {
	if err := o.lasts(binding); err != nil {
		return "", err
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: it would rather crash the program
	defer clear(key)
	if err := o.store(ctx, key, binding, o.PCRs); err == nil || o.PCRs != "" || !binding.usesTPM() {
		return o.PCRs, err
	}
	// systemd 252 makes keys without PCRs, but does not open them.
	return unmeasuredPCR, o.store(ctx, key, binding, unmeasuredPCR)
}

// store encrypts the key into a file, which gets its name once the key has been
// opened again.
func (o Options) store(ctx context.Context, key []byte, binding Binding, pcrs string) error {
	text, err := encrypt(ctx, key, binding, pcrs)
	if err != nil {
		return o.cannotEncrypt(binding, err)
	}
	if made := bindingOf(text); made != "" && made != binding {
		return fmt.Errorf("systemd-creds has bound the key to %s and not to %s", made, binding)
	}
	pending, err := renameio.NewPendingFile(o.Credential, renameio.WithTempDir(filepath.Dir(o.Credential)), renameio.WithPermissions(0o600))
	if err != nil {
		return explainWrite(fmt.Errorf("writing the key: %w", err))
	}
	defer func() { _ = pending.Cleanup() }()
	if _, err := pending.Write(text); err != nil {
		return fmt.Errorf("writing the key: %w", err)
	}
	if err := opensTo(ctx, pending.Name(), key); err != nil {
		return fmt.Errorf("the key that was made is not used: %w", err)
	}
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing the key: %w", err)
	}
	return nil
}

func opensTo(ctx context.Context, file string, key []byte) error {
	opened, err := decrypt(ctx, file)
	defer clear(opened)
	if err == nil && subtle.ConstantTimeCompare(opened, key) != 1 {
		err = errors.New("it decrypts to another key")
	}
	return err
}

// open opens the key that is there. sealed tells that there is a state for it to open.
func (o Options) open(ctx context.Context, sealed bool) (Binding, error) {
	way := "remove " + o.Credential
	if sealed {
		way = fmt.Sprintf("remove %s and %s", o.Credential, o.State)
	}
	binding, err := o.try(ctx)
	if err == nil {
		return binding, o.fits(binding, way)
	}
	return "", fmt.Errorf("%s is there and stays as it is, but cannot be used: %w; "+
		"if what it needs is lost for good, %s, run this again and sign in again", o.Credential, err, way)
}

// fits refuses a key that is there and bound to something else than asked for. Which
// PCRs it is bound to is not looked at.
func (o Options) fits(binding Binding, way string) error {
	is := string(binding)
	if is == "" {
		is = "something that is not known here"
	}
	switch {
	case o.WithKey != "" && o.WithKey != binding:
		return fmt.Errorf("the key in %s is bound to %s: leave out --with-key=%s to keep it; "+
			"for a new one %s, run this again and sign in again", o.Credential, is, o.WithKey, way)
	case o.PCRs != "" && binding != "" && !binding.usesTPM():
		return fmt.Errorf("the key in %s is bound to %s and to no PCRs: leave out --pcrs to keep it; "+
			"for a new one %s, run this again and sign in again", o.Credential, is, way)
	case o.PCRs != "":
		o.note("--pcrs is for a new key: the one in %s stays bound to what it was", o.Credential)
	}
	return nil
}

func (o Options) try(ctx context.Context) (Binding, error) {
	text, err := os.ReadFile(o.Credential)
	if err != nil {
		return "", err
	}
	binding := bindingOf(text)
	if err := o.lasts(binding); err != nil {
		return "", err
	}
	key, err := decrypt(ctx, o.Credential)
	if err != nil {
		return "", err
	}
	defer clear(key)
	_, err = statefile.ParseKey(secret.New(string(key)))
	return binding, err
}

// encrypt returns the credential. The key goes through a pipe alone.
func encrypt(ctx context.Context, key []byte, binding Binding, pcrs string) ([]byte, error) {
	args := []string{"encrypt", "--with-key=" + string(binding), "--name=" + credentialName}
	if binding.usesTPM() {
		args = append(args, "--tpm2-pcrs="+pcrs)
	}
	return systemdCreds(ctx, key, append(args, "-", "-")...)
}

func decrypt(ctx context.Context, file string) ([]byte, error) {
	return systemdCreds(ctx, nil, "decrypt", "--name="+credentialName, file, "-")
}

func systemdCreds(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "systemd-creds", args...)
	command.Stdin = bytes.NewReader(stdin)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("systemd-creds is not on this box: it is part of systemd 250 and newer, and some systems leave it out")
	}
	if err != nil {
		return nil, fmt.Errorf("systemd-creds %s: %w: %s", args[0], err, strings.Join(strings.Fields(said.String()), " "))
	}
	return out, nil
}

// cannotEncrypt says what else there is. A weaker key is never made unasked.
func (o Options) cannotEncrypt(binding Binding, err error) error {
	if binding.usesTPM() && o.WithKey == "" {
		return fmt.Errorf("binding the key to the TPM of this box: %w; --with-key=host does without the TPM", err)
	}
	return fmt.Errorf("making the key: %w", err)
}
