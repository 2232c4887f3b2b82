// SPDX-License-Identifier: Apache-2.0

// Command addonzip packs service.plexauthd for Kodi. The same files give the same
// bytes: they are in order, and all of the time SOURCE_DATE_EPOCH.
//
//	addonzip VERSION PROGRAMS ZIP
//
// It runs at the top of the sources; PROGRAMS is the directory of the programs for
// one architecture.
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	id      = "service.plexauthd"
	sources = "packaging/libreelec/addon"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: addonzip VERSION PROGRAMS ZIP")
		os.Exit(2)
	}
	if err := build(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "addonzip:", err)
		os.Exit(1)
	}
}

func build(version, programs, target string) error {
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	files, err := collect(version, programs)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := pack(&archive, files, time.Unix(epoch, 0)); err != nil {
		return fmt.Errorf("packing %s: %w", target, err)
	}
	return os.WriteFile(target, archive.Bytes(), 0o644)
}

// collect reads the files of the add-on, by their names in it.
func collect(version, programs string) (map[string][]byte, error) {
	files := map[string][]byte{}
	from := map[string]string{
		"bin/plexauthd":      filepath.Join(programs, "plexauthd"),
		"bin/plexauthctl":    filepath.Join(programs, "plexauthctl"),
		"resources/icon.png": "packaging/kodi/addon/resources/icon.png",
		"LICENSE.txt":        "LICENSE",
		"COPYRIGHT.txt":      "packaging/deb/copyright",
	}
	err := filepath.WalkDir(sources, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			from[strings.TrimPrefix(filepath.ToSlash(path), sources+"/")] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for name, path := range from {
		if files[name], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	files["addon.xml"] = bytes.ReplaceAll(files["addon.xml.in"], []byte("@VERSION@"), []byte(version))
	delete(files, "addon.xml.in")
	return files, nil
}

// pack writes the files, those in bin as programs.
func pack(target *bytes.Buffer, files map[string][]byte, moment time.Time) error {
	archive := zip.NewWriter(target)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: id + "/" + name, Method: zip.Deflate, Modified: moment.UTC()}
		header.SetMode(0o644)
		if strings.HasPrefix(name, "bin/") {
			header.SetMode(0o755)
		}
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(files[name]); err != nil {
			return err
		}
	}
	return archive.Close()
}
