// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestStateFile(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.State = p.write("state.toml", "", 0o644)
	p.finds("state file", Wrong, "open to others: mode 0644", "chmod 600 "+p.State)
	p.State = p.write("state.toml", "", 0o600)
	dir := filepath.Dir(p.State)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.finds("state file", Wrong, "open to others: mode 0755", "chmod 700 "+dir)
	p.State = dir
	p.finds("state file", Wrong, "not a regular file", "restart plexauthd")
	p.State = filepath.Join(dir, "none")
	p.finds("state file", OK, "nothing has been stored", "")
	p.State = ""
	p.finds("state file", Unknown, "use --state", "")
	if f := judgeModes("/d/f", &info{mode: 0o600, uid: 0}, &info{mode: 0o700, uid: 7}); f.Result != Wrong || !strings.Contains(f.Advice, "chown --reference=/d /d/f") {
		t.Errorf("%+v", f)
	}
}

// info is a file that root's own tests cannot make without another user.
type info struct {
	os.FileInfo
	mode os.FileMode
	uid  uint32
}

func (i *info) Mode() os.FileMode { return i.mode }
func (i *info) Sys() any          { return &syscall.Stat_t{Uid: i.uid} }
