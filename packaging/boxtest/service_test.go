// SPDX-License-Identifier: Apache-2.0

//go:build rig

package boxtest

import (
	"testing"
	"time"

	"github.com/retune-tv/plexauthd/dbusapi/names"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

func TestSignInSurvivesRestart(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		bootedtest.MustEqual(t, "at boot", b.Unit("UnitFileState"), "enabled")
		bootedtest.MustEqual(t, "state of a new box", b.State(), "signed-out")
		token := b.signIn(t)
		b.Run(t, "systemctl", "restart", "plexauthd")
		b.WaitFor(t, "the token to be checked", func() bool { return b.State() == "signed-in" })
		bootedtest.MustEqual(t, "token after the restart", b.token(t), token)
	})
}

// An image is built without a running systemd; at its first boot all has to be there.
func TestImageWithThePackageSignsIn(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{Package: "enabled"})
	b.signIn(t)
}

// The unit sees less of the system than the tests of the program do.
func TestHeadersNameTheSystem(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	headers := b.call(t, names.Credentials, "GetAuthHeaders")[0].(map[string]any)
	version := b.Run(t, "sh", "-c", `. /etc/os-release; echo "${VERSION_ID:-$VERSION_CODENAME}"`)
	bootedtest.MustEqual(t, "platform version", headers["X-Plex-Platform-Version"], any(version))
}

func TestStopTakesLessThanASecond(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	b.requestPin(t)
	began := time.Now()
	b.Run(t, "systemctl", "stop", "plexauthd")
	if took := time.Since(began); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	bootedtest.MustEqual(t, "how it ended", b.Unit("Result"), "success")
	bootedtest.MustEqual(t, "exit status", b.Unit("ExecMainStatus"), "0")
}

func TestWatchdogReplacesAStuckDaemon(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	token := b.signIn(t)
	b.dropIn(t, "WatchdogSec=2s")
	b.Run(t, "systemctl", "restart", "plexauthd")
	stuck := b.Unit("MainPID")
	b.Run(t, "kill", "-STOP", stuck)
	b.WaitForRestart(t, stuck)
	bootedtest.MustEqual(t, "token after the watchdog", b.token(t), token)
	b.WaitFor(t, "the token to be checked", func() bool { return b.State() == "signed-in" })
}

func TestKilledWhilePairingGoesOnWithTheCode(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	code := b.requestPin(t)
	before := b.Unit("MainPID")
	b.Run(t, "kill", "-KILL", before)
	b.WaitForRestart(t, before)
	bootedtest.MustEqual(t, "code after the kill", b.requestPin(t), code)
	b.claim(t, code)
}

func TestClaimWhileTheDaemonIsDownIsNoticed(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	code := b.requestPin(t)
	b.dropIn(t, "Restart=no")
	b.Run(t, "kill", "-KILL", b.Unit("MainPID"))
	b.WaitFor(t, "the daemon to be gone", func() bool { return b.Unit("ActiveState") == "failed" })
	b.Run(t, "probe", "post", simulator+"/sim/claim?code="+code)
	b.Run(t, "systemctl", "start", "plexauthd")
	b.WaitFor(t, "the box to be signed in", func() bool { return b.State() == "signed-in" })
}

// Without its bus the daemon is of no use: it ends, and comes back with the bus.
func TestDaemonComesBackAfterTheBus(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		token := b.signIn(t)
		before := b.Unit("MainPID")
		b.Run(t, "systemctl", "restart", "dbus")
		b.WaitForRestart(t, before)
		bootedtest.MustEqual(t, "token after the bus", b.token(t), token)
	})
}

func TestTwentyKillsLoseNothing(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
	token := b.signIn(t)
	for range 20 {
		before := b.Unit("MainPID")
		b.Run(t, "kill", "-KILL", before)
		b.WaitForRestart(t, before)
	}
	bootedtest.MustEqual(t, "restarts", b.Unit("NRestarts"), "20")
	bootedtest.MustEqual(t, "token after 20 kills", b.token(t), token)
	b.WaitFor(t, "the token to be checked", func() bool { return b.State() == "signed-in" })
}

func TestFirstCallStartsTheDaemon(t *testing.T) {
	onBothBuses(t, func(t *testing.T, bus string) {
		b := bootWithPlex(t, bootedtest.Options{Bus: bus})
		b.Run(t, "systemctl", "stop", "plexauthd")
		bootedtest.MustEqual(t, "a call to nobody", len(b.call(t, names.Credentials, "GetAuthHeaders")), 1)
		b.Run(t, "systemctl", "stop", "plexauthd")
		b.Run(t, "probe", "crowd", "200")
		bootedtest.MustEqual(t, "starts it took", b.Unit("NRestarts"), "0")
	})
}

// As the integrators' page has it.
func TestStateOnAnotherPartition(t *testing.T) {
	b := bootWithPlex(t, bootedtest.Options{})
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
