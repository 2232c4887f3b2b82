// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/dbusapi/bustest"
)

func TestStorage(t *testing.T) {
	p := newPatient(t, bustest.Session(t))
	p.StartDaemon()
	p.State = "/proc/sys/none/state.toml" // neither a disk nor memory
	p.finds("storage", OK, "not in memory", "")
	p.State = ""
	p.finds("storage", Unknown, "use --state", "")
	for status, want := range map[string]Finding{
		"Nobody is signed in to Plex": {Result: OK},
		"Nobody is signed in to Plex; the sign-in is lost at the next boot: the state is in memory (overlay on tmpfs); more (x)": {
			Result: Wrong, Finding: "is in memory (overlay on tmpfs)", Advice: "--state FILE"},
	} {
		f := judgeStatus(status)
		if f.Result != want.Result || !strings.HasSuffix(f.Finding, want.Finding) || !strings.Contains(f.Advice, want.Advice) {
			t.Errorf("%q: %+v", status, f)
		}
	}
}
