// SPDX-License-Identifier: Apache-2.0

//go:build rig

package libreelec

import (
	"archive/zip"
	"debug/buildinfo"
	"encoding/xml"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/packaging/bootedtest"
)

// Kodi finds the type of an add-on in its first extension, and the system asks for
// that type.
func TestLibreELECZips(t *testing.T) {
	for arch, want := range map[string]string{"arm": "GOARM=6", "aarch64": "GOARCH=arm64", "x86_64": "GOAMD64=v1"} {
		found, err := filepath.Glob("../../dist/" + addonID + "-*-" + arch + ".zip")
		if err != nil || len(found) == 0 {
			t.Errorf("%s: make libreelec makes a zip (%v)", arch, err)
		}
		for _, file := range found {
			archive, err := zip.OpenReader(file)
			if err != nil {
				t.Fatal(err)
			}
			checkAddon(t, archive, want)
			_ = archive.Close()
		}
	}
}

func checkAddon(t *testing.T, archive *zip.ReadCloser, arch string) {
	t.Helper()
	read := func(name string) string {
		content, err := contentOf(archive, addonID+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	var addon struct {
		ID         string `xml:"id,attr"`
		Extensions []struct {
			Point   string `xml:"point,attr"`
			Library string `xml:"library,attr"`
			Icon    string `xml:"assets>icon"`
		} `xml:"extension"`
	}
	if err := xml.Unmarshal([]byte(read("addon.xml")), &addon); err != nil || len(addon.Extensions) != 2 {
		t.Fatalf("addon.xml: %v: %+v", err, addon)
	}
	bootedtest.MustEqual(t, "id", addon.ID, addonID)
	bootedtest.MustEqual(t, "first extension", addon.Extensions[0].Point, "xbmc.service")
	for _, name := range []string{addon.Extensions[0].Library, addon.Extensions[1].Icon, "LICENSE.txt", "COPYRIGHT.txt", "system.d/" + addonID + ".service"} {
		bootedtest.MustEqual(t, name+" is empty", read(name) == "", false)
	}
	for _, program := range []string{"plexauthd", "plexauthctl"} {
		info, err := buildinfo.Read(strings.NewReader(read("bin/" + program)))
		if err != nil {
			t.Fatal(err)
		}
		settings := ""
		for _, setting := range info.Settings {
			settings += setting.Key + "=" + setting.Value + "\n"
		}
		if !strings.Contains(settings, arch+"\n") {
			t.Errorf("%s is not built with %s:\n%s", program, arch, settings)
		}
	}
}
