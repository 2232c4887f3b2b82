// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// makeDurable syncs the key and what systemd needs to open it. systemd-creds itself
// syncs neither.
func (o Options) makeDurable(binding Binding) error {
	paths := []string{o.Credential}
	if binding.usesHost() {
		paths = append(paths, o.hostKey, filepath.Dir(o.hostKey), o.machineID, filepath.Dir(o.machineID))
	}
	for _, path := range append(paths, filepath.Dir(o.Credential)) {
		err := statefile.SyncPath(path)
		if binding == "" && path == o.hostKey && errors.Is(err, fs.ErrNotExist) {
			continue // it opens without
		}
		if err != nil {
			return fmt.Errorf("making the key durable: %w", err)
		}
	}
	return nil
}

// lasts tells whether what the key is bound to will be there after the next boot.
// It is asked before systemd-creds is: that deletes the host key if the machine-id
// is another one.
func (o Options) lasts(binding Binding) error {
	needed := []string{o.Credential}
	if binding.usesHost() {
		needed = append(needed, o.hostKey, o.machineID)
	}
	for _, path := range needed {
		if memory := o.memory(path); memory != "" {
			return fmt.Errorf("%s is kept in memory (%s): the key could not be opened after the next boot", path, memory)
		}
	}
	if !binding.usesHost() {
		return nil
	}
	return o.checkHostKey()
}

// dropInLasts tells whether the drop-in, if it is written, will be there after the
// next boot.
func (o Options) dropInLasts() error {
	if memory := o.memory(o.DropIn); memory != "" {
		return fmt.Errorf("%s would be kept in memory (%s), and the unit would not pass the key after the next boot: "+
			"have a drop-in in the image with %q", o.DropIn, memory, o.line())
	}
	return nil
}

// memory names the file system in memory that a file is on. Where that cannot be
// told, the file may well last.
func (o Options) memory(path string) string {
	name, err := o.inMemory(path)
	if err != nil {
		o.note("whether %s is still there after the next boot cannot be told: %v", path, err)
	}
	return name
}

// checkHostKey refuses a host key of another machine-id, which systemd deletes when
// it looks at it.
func (o Options) checkHostKey() error {
	hostKey, err := os.ReadFile(o.hostKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // systemd makes one, or says that it is missing
	}
	if err != nil {
		return fmt.Errorf("reading systemd's host key: %w", err)
	}
	defer clear(hostKey)
	text, err := os.ReadFile(o.machineID)
	if err != nil {
		return fmt.Errorf("reading the machine-id: %w", err)
	}
	id, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(id) != idSize {
		return fmt.Errorf("%s has no machine-id, without which systemd does not open its host key", o.machineID)
	}
	if !bytes.HasPrefix(hostKey, appSpecific(id)) {
		return fmt.Errorf("%s was made under another machine-id than the one in %s now, and systemd deletes it when it is used: "+
			"put the old machine-id back, or remove that file if nothing is sealed with it", o.hostKey, o.machineID)
	}
	return nil
}

// appSpecific is sd_id128_get_machine_app_specific(3) for credentials.
func appSpecific(machineID []byte) []byte {
	mac := hmac.New(sha256.New, machineID)
	// What systemd hashes with the machine-id at the start of its host key, from its
	// src/shared/creds-util.c.
	mac.Write([]byte{0xd3, 0xac, 0xec, 0xba, 0x0d, 0xad, 0x4c, 0xdf, 0xb8, 0xc9, 0x38, 0x15, 0x28, 0x93, 0x6c, 0x58})
	id := mac.Sum(nil)[:idSize]
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// lockDir opens the directory, made if need be, and keeps others who do the same
// waiting until it is closed.
func lockDir(path string) (*os.File, error) {
	if err := statefile.MakeDir(path, 0o700, 0o755); err != nil {
		return nil, explainWrite(err)
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		_ = dir.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return dir, nil
}

// explainWrite says what to do where /etc cannot be written.
func explainWrite(err error) error {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: name a place that lasts with --credential, and put the drop-in into the image", err)
	}
	return err
}
