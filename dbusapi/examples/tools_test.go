// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
	"github.com/retune-tv/plexauthd/dbusapi/names"
)

const interfaceXML = "../names/tv.retune.PlexAuth1.xml"

func TestGDBusCodegenTakesTheXML(t *testing.T) {
	dir := t.TempDir()
	daemontest.MustRun(t, exec.Command("gdbus-codegen", "--output-directory", dir, "--c-namespace", "Plex",
		"--interface-prefix", "tv.retune.", "--generate-c-code", "proxy", interfaceXML))
	if !strings.Contains(daemontest.Read(t, filepath.Join(dir, "proxy.h")), "plex_plex_auth1_call_request_pin_sync") {
		t.Error("the generated proxy has no RequestPin")
	}
}

// TestQDBusXML2CPPTakesTheXML has a compiler read the generated proxy, with the
// types that the XML names.
func TestQDBusXML2CPPTakesTheXML(t *testing.T) {
	source, err := filepath.Abs(interfaceXML)
	if err != nil {
		t.Fatal(err)
	}
	types, err := filepath.Abs("qml")
	if err != nil {
		t.Fatal(err)
	}
	// The types are registered too, which needs their operators.
	cmd := exec.Command("sh", "-ec", `/usr/lib/qt6/bin/qdbusxml2cpp -N -i plexauthtypes.h -p proxy "$1"
echo 'void use() { plexAuthRegisterTypes(); }' >> proxy.cpp
g++ -std=c++17 -fPIC -fsyntax-only -I "$2" proxy.cpp $(pkg-config --cflags Qt6DBus)`, "sh", source, types)
	cmd.Dir = t.TempDir()
	daemontest.MustRun(t, cmd)
}

// TestMock uses plexauthd's mock as a frontend's own test does.
func TestMock(t *testing.T) {
	cmd := exec.Command("/usr/bin/python3", "-B", "mock/test_plexauthd.py")
	cmd.Env = append(os.Environ(), "INTERFACE="+names.XML)
	daemontest.MustRun(t, cmd)
}

// TestReferenceHasEveryMember reads what make docs has made.
func TestReferenceHasEveryMember(t *testing.T) {
	page := daemontest.Read(t, "../../dist/docs/tv.retune.PlexAuth1.html")
	for _, method := range methods(t) {
		if !strings.Contains(page, "The "+method+"() method") {
			t.Errorf("the web page has no %s", method)
		}
	}
	if left := regexp.MustCompile(`@\w+:`).FindString(page); left != "" {
		t.Errorf("%q describes an argument, and stands in the text", left)
	}
	for _, name := range []string{names.Main, names.Credentials, names.Home} {
		cmd := exec.Command("man", "--warnings", "--local-file", "../../dist/docs/"+name+".5")
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100")
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "warning") || strings.Contains(string(out), "FIXME") {
			t.Errorf("man %s: %v\n%s", name, err, out)
		}
	}
}

// TestPageNamesEveryError compares the table for frontend authors with the XML.
func TestPageNamesEveryError(t *testing.T) {
	page := daemontest.Read(t, "../../docs/FRONTENDS.md")
	found := regexp.MustCompile(`(?m)^ +\* (\w+): `).FindAllStringSubmatch(names.XML, -1)
	if len(found) < 10 {
		t.Fatalf("the XML names %d errors", len(found))
	}
	for _, each := range found {
		if !strings.Contains(page, "| `"+each[1]+"` |") {
			t.Errorf("FRONTENDS.md does not say what to show for %s", each[1])
		}
	}
}
