// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// settle writes what a person would have set: sound off, JSON-RPC on, no questions.
func (k *Kodi) settle(o Options, port int) {
	k.t.Helper()
	language := o.Language
	if language == "" {
		language = "resource.language.en_gb"
	}
	// Without a sound card Kodi's start stalls.
	k.write(".asoundrc", "pcm.!default { type null }\nctl.!default { type null }\n")
	k.write(".kodi/userdata/advancedsettings.xml",
		fmt.Sprintf("<advancedsettings version=\"1.0\"><jsonrpc><tcpport>%d</tcpport></jsonrpc></advancedsettings>\n", port))
	// Kodi throws a file without the three empty elements away.
	k.write(".kodi/userdata/guisettings.xml", `<settings version="2">
  <setting id="services.esenabled">true</setting>
  <setting id="services.zeroconf">false</setting>
  <setting id="general.addonupdates">2</setting>
  <setting id="locale.language">`+language+`</setting>
  <viewstates/><resolutions/><skinsettings/>
</settings>
`)
	k.unpack(o.Zip)
	for path, content := range o.Others {
		k.write(".kodi/addons/"+path, content)
	}
	must(k.t, os.Mkdir(filepath.Join(k.home, "run"), 0o700))
}

func (k *Kodi) write(path, content string) {
	k.t.Helper()
	path = filepath.Join(k.home, path)
	must(k.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(k.t, os.WriteFile(path, []byte(content), 0o644))
}

func (k *Kodi) unpack(file string) {
	k.t.Helper()
	archive, err := zip.OpenReader(file)
	must(k.t, err)
	defer archive.Close()
	for _, entry := range archive.File {
		content, err := entry.Open()
		must(k.t, err)
		data, err := io.ReadAll(content)
		must(k.t, err)
		k.write(".kodi/addons/"+entry.Name, string(data))
	}
}

// enableAddons answers Kodi's question about add-ons that it did not install
// itself, as a person would.
func (k *Kodi) enableAddons(o Options) {
	k.t.Helper()
	ids := []string{addonID}
	for path := range o.Others {
		if id, file, _ := strings.Cut(path, "/"); file == "addon.xml" {
			ids = append(ids, id)
		}
	}
	k.await("the home screen", func() bool { return k.Is("Window.IsVisible(home)") })
	for answered := range ids {
		k.await("Yes is in focus", func() bool {
			k.Input("Left") // Kodi loses keys while it starts
			return k.Is("Window.IsActive(yesnodialog)") && k.Is("Control.HasFocus(11)")
		})
		k.Input("Select")
		// The next question can be there at once.
		k.await("one more add-on is enabled", func() bool { return k.enabled(ids) == answered+1 })
	}
}

// enabled counts those of the add-ons that are.
func (k *Kodi) enabled(ids []string) (count int) {
	k.t.Helper()
	for _, id := range ids {
		var answer struct{ Addon struct{ Enabled bool } }
		k.Call("Addons.GetAddonDetails", map[string]any{"addonid": id, "properties": []string{"enabled"}}, &answer)
		if answer.Addon.Enabled {
			count++
		}
	}
	return count
}
