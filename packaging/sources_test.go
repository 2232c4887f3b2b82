// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"crypto/md5"
	"crypto/sha256"
	"flag"
	"fmt"
	"go/build/constraint"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pin has the Yocto recipe build the commit that is checked out: make pin.
var pin = flag.Bool("pin", false, "have the Yocto recipe build HEAD")

// expected compares a file with what it should be, or writes that.
func expected(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		write(t, file, want)
	}
	if read(t, file) != want {
		t.Errorf("%s is not as it should be: make licenses. It should be\n%s", file, want)
	}
}

func TestBuildroot(t *testing.T) {
	files := append([]string{"LICENSE"}, sorted(kept(t))...)
	hashes, list := "# Locally calculated\n", ""
	for i, file := range files {
		if i > 0 {
			file = "packaging/licenses/" + file
		}
		hashes += fmt.Sprintf("sha256  %x  %s\n", sha256.Sum256([]byte(read(t, "../"+file))), file)
		list += " \\\n\t" + file
	}
	expected(t, "buildroot/plexauthd.hash", hashes)
	block := regexp.MustCompile(`(?m)^PLEXAUTHD_LICENSE_FILES =(.*\\\n)*.*\n`)
	mk := read(t, "buildroot/plexauthd.mk")
	expected(t, "buildroot/plexauthd.mk", block.ReplaceAllLiteralString(mk, "PLEXAUTHD_LICENSE_FILES ="+list+"\n"))
	for _, want := range []string{
		"\nPLEXAUTHD_RELEASE = " + makeVariable(t, "VERSION") + "\n",
		" -X main.version=$(PLEXAUTHD_RELEASE)\n",
		"\nPLEXAUTHD_TAGS = " + strings.ReplaceAll(makeVariable(t, "TAGS"), ",", " ") + "\n",
	} {
		if !strings.Contains(mk, want) {
			t.Errorf("plexauthd.mk does not have %q", want)
		}
	}
	if !strings.Contains(read(t, "buildroot/Config.in"), "\tselect BR2_PACKAGE_HOST_GO\n") {
		t.Error("Config.in does not select Go")
	}
}

// Who builds without a network commits the sources of the modules.
func TestVendorCanBeCommitted(t *testing.T) {
	if strings.Contains("\n"+read(t, "../.gitignore"), "\n/vendor") {
		t.Error(".gitignore keeps vendor/ out")
	}
}

// git gives what git prints about the repository.
func git(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "git", append([]string{"-c", "safe.directory=*"}, args...)...)
}

var srcRev = regexp.MustCompile(`(?m)^SRCREV = "([0-9a-f]{40})"$`)

// recipe is the one recipe there is.
func recipe(t *testing.T) (file, text string) {
	t.Helper()
	found, err := filepath.Glob("yocto/plexauthd_*.bb")
	if err != nil || len(found) != 1 {
		t.Fatalf("recipes: %q, %v", found, err)
	}
	return found[0], read(t, found[0])
}

// The recipe builds a commit of the past, whose licenses and version it names: a
// recipe that asks for the newest commit halts every build without a network.
func TestYocto(t *testing.T) {
	file, text := recipe(t)
	if *pin {
		text = srcRev.ReplaceAllLiteralString(text, `SRCREV = "`+strings.TrimSpace(git(t, "rev-parse", "HEAD"))+`"`)
	}
	match := srcRev.FindStringSubmatch(text)
	if match == nil || strings.Contains(text, "AUTOREV") {
		t.Fatalf("%s does not name a commit", file)
	}
	if exec.Command("git", "-c", "safe.directory=*", "rev-parse", "--git-dir").Run() != nil {
		return // an archive of the sources
	}
	if strings.TrimSpace(git(t, "rev-parse", "--is-shallow-repository")) == "true" {
		return // the commit may not be there
	}
	commit := match[1]
	if out := git(t, "rev-list", "--max-count=1", commit, "^HEAD"); out != "" {
		t.Errorf("%s names %s, which is not part of this history: make pin", file, commit)
	}
	list := ""
	for _, name := range strings.Fields(git(t, "ls-tree", "-r", "--name-only", commit, "LICENSE", "packaging/licenses")) {
		list += fmt.Sprintf(" \\\n    file://src/${GO_IMPORT}/%s;md5=%x", name, md5.Sum([]byte(git(t, "show", commit+":"+name))))
	}
	block := regexp.MustCompile(`(?m)^LIC_FILES_CHKSUM = "(.*\\\n)*.*"\n`)
	want := block.ReplaceAllLiteralString(text, `LIC_FILES_CHKSUM = "`+list+" \\\n\"\n")
	if *pin {
		write(t, file, want)
		text = want
	}
	if text != want {
		t.Errorf("%s does not have the licenses of %s: make pin. It should be\n%s", file, commit, want)
	}
	if !strings.Contains(git(t, "show", commit+":Makefile"), "\nVERSION ?= "+strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "plexauthd_"), ".bb")+"\n") {
		t.Errorf("%s is not the version of %s", file, commit)
	}
}

// What the program says of itself is the version of the recipe.
func TestYoctoBuildsAsTheMakefileDoes(t *testing.T) {
	_, text := recipe(t)
	for _, want := range []string{
		`-X main.version=${PV}"`, `-checklinkname=0 `, ` -tags ` + makeVariable(t, "TAGS") + `"`, `CGO_ENABLED = "0"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the recipe does not have %q", want)
		}
	}
}

// A tag that make does not know hides a file from its checks.
func TestSourcesHaveTheTagsOfTheMakefile(t *testing.T) {
	known := strings.Split(makeVariable(t, "ALL_TAGS"), ",")
	line := regexp.MustCompile(`(?m)^//go:build .*$`)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		expression, err := constraint.Parse(line.FindString(read(t, path)))
		if err != nil {
			return nil // without one
		}
		expression.Eval(func(tag string) bool {
			if !slices.Contains(known, tag) {
				t.Errorf("%s is built with %s, which is none of %v", path, tag, known)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
