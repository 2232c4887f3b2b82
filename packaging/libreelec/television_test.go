// SPDX-License-Identifier: Apache-2.0

//go:build rig

package libreelec

import (
	"archive/zip"
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/auth/plextvsim"
	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

const (
	addonID = "service.plexauthd"
	addons  = "/storage/.kodi/addons"
	data    = "/storage/.kodi/userdata/addon_data/" + addonID
	// policyDir is where the add-on has to get its policy into.
	policyDir = "/etc/dbus-1/system.d"
	// policyOfTheAddon is where the add-on has it.
	policyOfTheAddon = "addon/dbus-1/tv.retune.PlexAuth1.conf"
)

// television is a LibreELEC box over all its boots: what is on its disk and on
// its network.
type television struct {
	*bootedtest.Box // since the last boot
	storage         string
	files           string // see box.sh
	sim             *plextvsim.Sim
	plex            *plextvsim.Server
}

// newTelevision boots a box with the Kodi add-on and, if there is one, with the
// file in its image.
func newTelevision(t *testing.T, image ...string) *television {
	t.Helper()
	sim := plextvsim.New(plextvsim.Options{})
	tv := &television{sim: sim, plex: sim.StartTLS(), files: t.TempDir()}
	t.Cleanup(func() { tv.plex.Close() })
	sim.AddUser(plextvsim.User{Username: "ada"})
	// Next to what is built: many machines have all of /tmp in memory.
	storage, err := os.MkdirTemp(filepath.Join(bootedtest.Files, "../libreelec"), "storage-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(storage) })
	if tv.storage, err = filepath.Abs(storage); err != nil {
		t.Fatal(err)
	}
	daemontest.Write(t, filepath.Join(tv.files, "ca.pem"), string(tv.plex.CAPEM()))
	for _, path := range image {
		daemontest.Write(t, filepath.Join(tv.files, "image", path), daemontest.Read(t, policyOfTheAddon))
	}
	tv.boot(t)
	tv.unpack(t, "script.plexauthd", "script.zip")
	tv.Write(t, data+"/config.toml", "[plex]\nurl = \""+tv.plex.URL+"\"\n[pairing]\npoll_interval = \"100ms\"\n")
	return tv
}

// boot starts the box again with what is on its disk.
func (tv *television) boot(t *testing.T) {
	t.Helper()
	script, err := filepath.Abs("box.sh")
	if err != nil {
		t.Fatal(err)
	}
	tv.Box = bootedtest.Boot(t, bootedtest.Options{Prepare: []string{"sh", script, tv.files, tv.storage}, Environment: "SYSTEMD_SECCOMP=0"})
	tv.connect(t)
}

// connect lets the box reach the simulator, which has to outlive it, under the
// address that it has on this machine.
func (tv *television) connect(t *testing.T) {
	t.Helper()
	address := strings.TrimPrefix(tv.plex.URL, "https://")
	listener, err := tv.Listen(address)
	if err != nil {
		t.Fatalf("listening in the box: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(from, address)
		}
	}()
}

// forward carries a connection on to an address of this machine.
func forward(from net.Conn, address string) {
	defer from.Close()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// unpack puts an add-on in its place as Kodi does, which keeps no permissions.
func (tv *television) unpack(t *testing.T, id, file string) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(bootedtest.Files, file))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	tv.Run(t, "rm", "-rf", addons+"/"+id)
	for _, entry := range archive.File {
		content, err := contentOf(archive, entry.Name)
		if err != nil {
			t.Fatal(err)
		}
		daemontest.Write(t, filepath.Join(tv.storage, ".kodi/addons", entry.Name), content)
	}
}

func contentOf(archive *zip.ReadCloser, name string) (string, error) {
	file, err := archive.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

// kodi does what Kodi has the system do about a service add-on.
func (tv *television) kodi(t *testing.T, event string) {
	t.Helper()
	unit := addonID + ".service"
	leave := func(must bool) {
		for _, verb := range []string{"stop", "disable"} {
			if _, err := tv.Try("systemctl", verb, unit); err != nil && must {
				t.Fatal(err)
			}
		}
	}
	enter := func() {
		tv.Run(t, "systemctl", "enable", addons+"/"+addonID+"/system.d/"+unit)
		tv.Run(t, "sh", "-c", "chmod +x "+addons+"/"+addonID+"/bin/*")
		tv.Run(t, "systemctl", "start", unit)
	}
	switch event {
	case "enable":
		enter()
	case "disable", "pre-uninstall":
		leave(true)
	case "post-install": // also after an update
		leave(false)
		enter()
	default:
		t.Fatalf("Kodi knows no %s", event)
	}
}

// install installs the add-on from a zip, which may be another version of one that
// is there.
func (tv *television) install(t *testing.T, file string) {
	t.Helper()
	tv.unpack(t, addonID, file)
	tv.kodi(t, "post-install")
	tv.kodi(t, "enable")
}

// uninstall removes the add-on; what it has stored stays.
func (tv *television) uninstall(t *testing.T) {
	t.Helper()
	tv.kodi(t, "pre-uninstall")
	tv.Run(t, "rm", "-rf", addons+"/"+addonID)
}

// seen is what the Kodi add-on has seen of a sign-in.
type seen struct{ user, token, words string }

// useKodi signs the box in with the modules of the Kodi add-on, and claims the code if
// there is one.
func (tv *television) useKodi(t *testing.T) seen {
	t.Helper()
	cmd := tv.Command("python3", "-c", daemontest.Read(t, "client.py"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	var s seen
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "code":
			if err := tv.sim.Claim(rest, ""); err != nil {
				t.Fatal(err)
			}
		case "user":
			s.user = rest
		case "token":
			s.token = rest
		default:
			s.words += lines.Text() + "\n"
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the Kodi add-on: %v; the service: %s", err, tv.Status())
	}
	return s
}

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// mounts is what is mounted over the directory of the policy.
func (tv *television) mounts(t *testing.T) (found []string) {
	t.Helper()
	for _, line := range strings.Split(tv.Run(t, "cat", "/proc/1/mountinfo"), "\n") {
		if fields := strings.Fields(line); fields[4] == policyDir {
			found = append(found, fields[3])
		}
	}
	return found
}
