// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/retune-tv/plexauthd/auth/statefile"
)

// setting is a line of a unit that is about credentials, see systemd.exec(5).
var setting = regexp.MustCompile(`^\s*((?:Load|Set|Import)Credential(?:Encrypted)?)\s*=\s*(.*?)\s*$`)

// line is the setting that passes the key to the daemon.
func (o Options) line() string {
	return "LoadCredentialEncrypted=" + credentialName + ":" + o.Credential
}

// passed tells whether the unit passes this key already. Another one is an error: the
// daemon would get only one of both.
func (o Options) passed(ctx context.Context) (bool, error) {
	command := exec.CommandContext(ctx, "systemctl", "cat", "plexauthd.service")
	var said bytes.Buffer
	command.Stderr = &said
	unit, err := command.Output()
	if err != nil {
		return false, fmt.Errorf("reading the unit plexauthd.service: %w: %s", err, strings.TrimSpace(said.String()))
	}
	// The service manager may not have read it yet.
	dropIn, err := os.ReadFile(o.DropIn)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	ours := false
	for line := range strings.Lines(string(unit) + "\n" + string(dropIn)) {
		match := setting.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		name, _, _ := strings.Cut(match[2], ":")
		if known, _ := filepath.Match(name, credentialName); !known {
			continue
		}
		if found := match[1] + "=" + match[2]; found != o.line() {
			return false, fmt.Errorf("the unit passes another key already, with %q: a state that is sealed with that "+
				"could not be opened with a new one", found)
		}
		ours = true
	}
	if !ours && err == nil {
		return false, fmt.Errorf("%s is there, but does not pass the key: put %q into it", o.DropIn, o.line())
	}
	return ours, nil
}

// writeDropIn makes the unit pass the key from its next start on.
func (o Options) writeDropIn() (string, error) {
	dir := filepath.Dir(o.DropIn)
	if err := statefile.MakeDir(dir, 0o755, 0o755); err != nil {
		return "", explainWrite(err)
	}
	text := "# Written by plexauthctl seal; see plexauthd(8).\n[Service]\n" + o.line() + "\n"
	if err := renameio.WriteFile(o.DropIn, []byte(text), 0o644, renameio.WithTempDir(dir), renameio.IgnoreUmask()); err != nil {
		return "", explainWrite(fmt.Errorf("writing the drop-in: %w", err))
	}
	return o.DropIn, statefile.SyncPath(dir)
}
