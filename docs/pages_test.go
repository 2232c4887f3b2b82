// SPDX-License-Identifier: Apache-2.0

// Package docs tests that the pages of this project keep up with its files.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files are the paths of the project's files with this ending, as seen from its root.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "vendor", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, ending):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// matches are what the group of the pattern matches in the file, in order.
func matches(t *testing.T, path, pattern string) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, path), -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s has nothing that matches %s", path, pattern)
	}
	return found
}

// TestLinksLeadSomewhere follows the links between the pages, to headings too.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, page := range files(t, ".md") {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.HasPrefix(match[1], "https://") {
				continue
			}
			file, section, _ := strings.Cut(match[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, match[1])
			} else if section != "" && !slices.Contains(anchors(t, target), section) {
				t.Errorf("%s: %s has no section %s", page, target, section)
			}
		}
	}
}

// anchors are the names by which GitHub links to the headings of a page.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	dropped := regexp.MustCompile(`[^a-z0-9 _-]`)
	var found []string
	for _, heading := range matches(t, page, `(?m)^#+ (.*)$`) {
		found = append(found, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading), ""), " ", "-"))
	}
	return found
}

// TestSecurityNamesTestsThatExist: a promise whose test has gone is none.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	var tests strings.Builder
	for _, file := range files(t, "_test.go") {
		tests.WriteString(read(t, file))
	}
	for _, name := range matches(t, "SECURITY.md", "`((?:Test|Fuzz)[A-Z]\\w+)`") {
		if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
			t.Errorf("SECURITY.md names %s, which is not there", name)
		}
	}
}

// TestArchitectureNamesWhatIsThere looks for each path that the map has.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	for _, path := range matches(t, "docs/ARCHITECTURE.md", "`([a-z0-9_]+/[A-Za-z0-9_./]+)`") {
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Errorf("docs/ARCHITECTURE.md names %s, which is not there", path)
		}
	}
}

// TestDependenciesAreExplained compares docs/DEPENDENCIES.md with go.mod.
func TestDependenciesAreExplained(t *testing.T) {
	page := read(t, "docs/DEPENDENCIES.md")
	for _, module := range matches(t, "go.mod", `(?m)^\t(\S+) v\S+$`) {
		if !strings.Contains(page, module) {
			t.Errorf("docs/DEPENDENCIES.md does not say what %s is for", module)
		}
	}
}

// TestTheReadmeIsShort: the first page leads to the others.
func TestTheReadmeIsShort(t *testing.T) {
	if lines := strings.Count(read(t, "README.md"), "\n"); lines > 200 {
		t.Errorf("README.md has %d lines, and should have 200 at most", lines)
	}
}
