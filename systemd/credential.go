// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/retune-tv/plexauthd/auth/secret"
)

// Booted is a path that exists where systemd manages the services (sd_booted(3)).
const Booted = "/run/systemd/system"

// Credential reads the credential with that name from the directory that
// CREDENTIALS_DIRECTORY names (systemd.exec(5)). found is false, without an
// error, if the unit passes no such credential. An empty one is an error: the
// service manager passes on what was empty when the unit started, and that is
// never what was meant. Errors hold nothing of the credential.
func Credential(name string) (value secret.String, found bool, err error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return secret.String{}, false, nil
	}
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return secret.String{}, false, nil
	case err != nil:
		return secret.String{}, false, err
	case len(data) == 0:
		return secret.String{}, false, fmt.Errorf("%s is empty: check the source in the unit's LoadCredential setting", path)
	}
	return secret.New(string(data)), true, nil
}
