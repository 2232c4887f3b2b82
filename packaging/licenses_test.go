// SPDX-License-Identifier: Apache-2.0

// Package packaging checks what distributions are told about the program.
package packaging

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// update writes what the tests find to be different: make licenses.
var update = flag.Bool("update", false, "write licenses and what names them")

// licenseFile is what modules call the files that have to go along.
var licenseFile = regexp.MustCompile(`^(LICENSE|COPYING|NOTICE)(\..*)?$`)

// run gives what a command of the repository prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = ".."
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, &said)
	}
	return string(out)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// makeVariable is a variable of the Makefile.
func makeVariable(t *testing.T, name string) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + name + `\s*\??:?= (.*)$`).FindStringSubmatch(read(t, "../Makefile"))
	if match == nil {
		t.Fatalf("the Makefile has no %s", name)
	}
	return match[1]
}

// module is a module that is linked into the programs.
type module struct {
	dir      string
	packages []string // that are linked in
}

func linked(t *testing.T) map[string]*module {
	t.Helper()
	found := map[string]*module{}
	for _, arch := range []string{"amd64", "arm", "arm64"} {
		out := run(t, "env", "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "go", "list", "-deps", "-tags", makeVariable(t, "TAGS"),
			"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{$.ImportPath}} {{.Dir}}{{end}}{{end}}", "./cmd/plexauthd", "./cmd/plexauthctl")
		for line := range strings.Lines(out) {
			field := strings.SplitN(strings.TrimSpace(line), " ", 3)
			if len(field) < 3 {
				continue // of ours, or of Go's own library
			}
			if found[field[0]] == nil {
				found[field[0]] = &module{dir: field[2]}
			}
			found[field[0]].packages = append(found[field[0]].packages, field[1])
		}
	}
	return found
}

// covers tells whether a directory of the module has linked packages in or below it.
func (m *module) covers(path string) bool {
	return slices.ContainsFunc(m.packages, func(name string) bool { return strings.HasPrefix(name+"/", path+"/") })
}

// wantedLicenses are the texts that go along with the programs, by their place below
// licenses/.
func wantedLicenses(t *testing.T) map[string]string {
	t.Helper()
	wanted := map[string]string{}
	for path, m := range linked(t) {
		before := len(wanted)
		err := filepath.WalkDir(m.dir, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || !licenseFile.MatchString(entry.Name()) {
				return err
			}
			below, _ := filepath.Rel(m.dir, file) // both are absolute
			if name := filepath.Join(path, below); filepath.Dir(below) == "." || m.covers(filepath.Dir(name)) {
				wanted[name] = read(t, file)
			}
			return nil
		})
		if err != nil || len(wanted) == before {
			t.Fatalf("no license of %s in %s (%v)", path, m.dir, err)
		}
	}
	// Go's own library has the same license as its modules.
	wanted["go/LICENSE"] = wanted["golang.org/x/sys/LICENSE"]
	return wanted
}

// kept are the files below licenses/.
func kept(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("licenses", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found[strings.TrimPrefix(file, "licenses/")] = read(t, file)
		}
		return err
	})
	if err != nil && !*update {
		t.Fatal(err)
	}
	return found
}

func sorted(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// write puts text into a file, and makes the directories above it.
func write(t *testing.T, file, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestLicensesAreThoseOfWhatIsLinkedIn(t *testing.T) {
	wanted := wantedLicenses(t)
	if *update {
		if err := os.RemoveAll("licenses"); err != nil {
			t.Fatal(err)
		}
		for name, text := range wanted {
			write(t, filepath.Join("licenses", name), text)
		}
	}
	found := kept(t)
	for _, name := range sorted(wanted) {
		if found[name] != wanted[name] {
			t.Errorf("licenses/%s is missing or another text: make licenses", name)
		}
	}
	for _, name := range sorted(found) {
		if wanted[name] == "" {
			t.Errorf("licenses/%s is of nothing that is linked in: make licenses", name)
		}
	}
}

// Debian names each module with its license.
func TestDebianKnowsWhatIsLinkedIn(t *testing.T) {
	copyright := read(t, "deb/copyright")
	for path := range linked(t) {
		if !regexp.MustCompile(`(?m)^Files: (.* )?` + regexp.QuoteMeta(path) + `( |$)`).MatchString(copyright) {
			t.Errorf("deb/copyright does not have %s", path)
		}
	}
}
