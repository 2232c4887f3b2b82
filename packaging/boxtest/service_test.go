// SPDX-License-Identifier: Apache-2.0

//go:build box

package boxtest

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/names"
)

func TestSignInSurvivesRestart(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, Options{Bus: bus})
		mustEqual(t, "at boot", b.unit("UnitFileState"), "enabled")
		mustEqual(t, "state of a new box", b.state(), "signed-out")
		token := b.signIn(t)
		b.Run(t, "systemctl", "restart", "plexauthd")
		b.waitFor(t, "the token to be checked", func() bool { return b.state() == "signed-in" })
		mustEqual(t, "token after the restart", b.token(t), token)
	})
}

// An image is built without a running systemd; at its first boot all has to be there.
func TestImageWithThePackageSignsIn(t *testing.T) {
	b := bootWithPlex(t, Options{Package: "enabled"})
	b.signIn(t)
}

// The unit sees less of the system than the tests of the program do.
func TestHeadersNameTheSystem(t *testing.T) {
	b := bootWithPlex(t, Options{})
	headers := b.call(t, names.Credentials, "GetAuthHeaders")[0].(map[string]any)
	version := b.Run(t, "sh", "-c", `. /etc/os-release; echo "${VERSION_ID:-$VERSION_CODENAME}"`)
	mustEqual(t, "platform version", headers["X-Plex-Platform-Version"], any(version))
}

func TestStopTakesLessThanASecond(t *testing.T) {
	b := bootWithPlex(t, Options{})
	b.requestPin(t)
	began := time.Now()
	b.Run(t, "systemctl", "stop", "plexauthd")
	if took := time.Since(began); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	mustEqual(t, "how it ended", b.unit("Result"), "success")
	mustEqual(t, "exit status", b.unit("ExecMainStatus"), "0")
}

func TestWatchdogReplacesAStuckDaemon(t *testing.T) {
	b := bootWithPlex(t, Options{})
	token := b.signIn(t)
	b.dropIn(t, "WatchdogSec=2s")
	b.Run(t, "systemctl", "restart", "plexauthd")
	stuck := b.unit("MainPID")
	b.Run(t, "kill", "-STOP", stuck)
	b.waitForRestart(t, stuck)
	mustEqual(t, "token after the watchdog", b.token(t), token)
	b.waitFor(t, "the token to be checked", func() bool { return b.state() == "signed-in" })
}

func TestKilledWhilePairingGoesOnWithTheCode(t *testing.T) {
	b := bootWithPlex(t, Options{})
	code := b.requestPin(t)
	before := b.unit("MainPID")
	b.Run(t, "kill", "-KILL", before)
	b.waitForRestart(t, before)
	mustEqual(t, "code after the kill", b.requestPin(t), code)
	b.claim(t, code)
}

func TestClaimWhileTheDaemonIsDownIsNoticed(t *testing.T) {
	b := bootWithPlex(t, Options{})
	code := b.requestPin(t)
	b.dropIn(t, "Restart=no")
	b.Run(t, "kill", "-KILL", b.unit("MainPID"))
	b.waitFor(t, "the daemon to be gone", func() bool { return b.unit("ActiveState") == "failed" })
	b.Run(t, "probe", "post", simulator+"/sim/claim?code="+code)
	b.Run(t, "systemctl", "start", "plexauthd")
	b.waitFor(t, "the box to be signed in", func() bool { return b.state() == "signed-in" })
}

// Without its bus the daemon is of no use: it ends, and comes back with the bus.
func TestDaemonComesBackAfterTheBus(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, Options{Bus: bus})
		token := b.signIn(t)
		before := b.unit("MainPID")
		b.Run(t, "systemctl", "restart", "dbus")
		b.waitForRestart(t, before)
		mustEqual(t, "token after the bus", b.token(t), token)
	})
}

func TestTwentyKillsLoseNothing(t *testing.T) {
	b := bootWithPlex(t, Options{})
	token := b.signIn(t)
	for range 20 {
		before := b.unit("MainPID")
		b.Run(t, "kill", "-KILL", before)
		b.waitForRestart(t, before)
	}
	mustEqual(t, "restarts", b.unit("NRestarts"), "20")
	mustEqual(t, "token after 20 kills", b.token(t), token)
	b.waitFor(t, "the token to be checked", func() bool { return b.state() == "signed-in" })
}

func TestFirstCallStartsTheDaemon(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, Options{Bus: bus})
		b.Run(t, "systemctl", "stop", "plexauthd")
		mustEqual(t, "a call to nobody", len(b.call(t, names.Credentials, "GetAuthHeaders")), 1)
		b.Run(t, "systemctl", "stop", "plexauthd")
		b.Run(t, "probe", "crowd", "200")
		mustEqual(t, "starts it took", b.unit("NRestarts"), "0")
	})
}

// As the integrators' page has it.
func TestStateOnAnotherPartition(t *testing.T) {
	b := bootWithPlex(t, Options{})
	b.Run(t, "install", "-d", "-m", "0700", "-o", "plexauthd", "/data/plexauthd")
	b.dropIn(t, `ExecStart=
ExecStart=/usr/sbin/plexauthd --state /data/plexauthd/state.toml
ReadWritePaths=/data/plexauthd
[Unit]
RequiresMountsFor=/data/plexauthd`)
	b.Run(t, "systemctl", "restart", "plexauthd")
	token := b.signIn(t)
	b.Run(t, "grep", "-qFe", token, "/data/plexauthd/state.toml")
}
