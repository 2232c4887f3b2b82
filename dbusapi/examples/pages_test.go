// SPDX-License-Identifier: Apache-2.0

//go:build rig

package examples

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

var (
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestInstalledPagesLinkToWhatIsThere follows the links of the pages that make
// install puts next to the examples.
func TestInstalledPagesLinkToWhatIsThere(t *testing.T) {
	root := t.TempDir()
	install := exec.Command("make", "-s", "install-docs", "install-frontends", "DESTDIR="+root, "docdir=/doc")
	install.Dir = "../.."
	daemontest.MustRun(t, install)
	followed := 0
	err := filepath.WalkDir(filepath.Join(root, "doc"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			followed += followLinks(t, path)
		}
		return err
	})
	if err != nil || followed < 15 {
		t.Errorf("%d links to files were followed, then: %v", followed, err)
	}
}

// followLinks counts a page's links to files and reports those that lead nowhere.
func followLinks(t *testing.T, page string) (followed int) {
	t.Helper()
	for _, match := range link.FindAllStringSubmatch(daemontest.Read(t, page), -1) {
		if strings.HasPrefix(match[1], "https://") {
			continue
		}
		followed++
		file, section, _ := strings.Cut(match[1], "#")
		target := page
		if file != "" {
			target = filepath.Join(filepath.Dir(page), file)
		}
		if _, err := os.Stat(target); err != nil {
			t.Errorf("%s: %v", filepath.Base(page), err)
		} else if section != "" && !hasSection(daemontest.Read(t, target), section) {
			t.Errorf("%s: %s has no section %s", filepath.Base(page), file, section)
		}
	}
	return followed
}

// hasSection tells whether a heading of the page becomes that anchor, as GitHub
// makes them.
func hasSection(page, section string) bool {
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		if section == strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-") {
			return true
		}
	}
	return false
}
