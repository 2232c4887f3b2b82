// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sys/unix"

	"github.com/retune-tv/plexauthd/auth/statefile"
	"github.com/retune-tv/plexauthd/daemon/config"
	"github.com/retune-tv/plexauthd/systemd"
)

// keyCredential is the credential (systemd.exec(5), LoadCredentialEncrypted=)
// under which the secrets in the state file are sealed.
const keyCredential = "plexauthd.key"

// openState opens the state file at path, sealed if the unit passes a key. A key
// that cannot be used is a configuration error: continuing without it would write in
// plain text what should be sealed.
func openState(path string, clock clockwork.Clock) (*statefile.File, error) {
	text, found, err := systemd.Credential(keyCredential)
	if err == nil && !found {
		return statefile.Open(path, clock), nil
	}
	var key statefile.Key
	if err == nil {
		key, err = statefile.ParseKey(text)
	}
	if err != nil {
		return nil, &config.Error{File: "credential " + keyCredential, Problem: err.Error()}
	}
	return statefile.OpenSealed(path, clock, key.Settled(syncKey)), nil
}

// lock keeps other daemons from the state. Where nothing can be locked, it says so and
// the daemon continues.
func (d *daemon) lock(store *statefile.File) (release func(), err error) {
	release, err = store.Lock()
	switch {
	case errors.Is(err, statefile.ErrInUse):
		return nil, err
	case err != nil:
		d.log.Warn("nothing keeps another plexauthd from the same state file", "message_id", MessageNotLocked, "error", err)
		return func() {}, nil
	}
	return release, nil
}

// logServersLost is for a problem that costs nothing but a question to plex.tv.
func (d *daemon) logServersLost(err error) {
	d.log.Warn("the list of media servers cannot be read or kept", "message_id", MessageServersLost, "error", err)
}

// syncKey has the disk keep a key that was made a moment ago, and what systemd opens
// it with. systemd-creds(1) syncs neither, and the daemon may not open their files, but
// it can have the file systems written. A key in another place is synced by who made it,
// as plexauthctl seal does.
func syncKey() error {
	for _, path := range []string{"/etc", "/var/lib/systemd"} {
		dir, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return fmt.Errorf("syncing the key: %w", err)
		}
		err = unix.Syncfs(int(dir.Fd()))
		_ = dir.Close()
		if err != nil {
			return fmt.Errorf("syncing the key in %s: %w", path, err)
		}
	}
	return nil
}
