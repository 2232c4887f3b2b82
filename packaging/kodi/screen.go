// SPDX-License-Identifier: Apache-2.0

//go:build rig

package kodi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// startScreen starts an X server without hardware and gives its name.
func startScreen(t testing.TB, width, height int) string {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-noreset",
		"-screen", "0", fmt.Sprintf("%dx%dx24", width, height))
	x.ExtraFiles = []*os.File{write}
	must(t, x.Start())
	t.Cleanup(func() { _ = x.Process.Kill(); _ = x.Wait() })
	must(t, write.Close())
	var number int
	_, err = fmt.Fscan(read, &number)
	must(t, err)
	return fmt.Sprintf(":%d", number)
}

// pictures is where the tests leave what Kodi showed, for people to look at.
const pictures = "../../dist/kodi"

// Picture takes a picture of the screen, and gives the file.
func (k *Kodi) Picture(name string) string {
	k.t.Helper()
	must(k.t, os.MkdirAll(pictures, 0o755))
	file := filepath.Join(pictures, name+".png")
	_, err := run(k.t, "import", "-display", k.display, "-window", "root", "-quality", "10", file)
	must(k.t, err)
	return file
}

// Look takes a picture once the screen has come to rest.
func (k *Kodi) Look(name string) {
	k.t.Helper()
	var before []byte
	k.await("the screen is at rest", func() bool {
		now, err := os.ReadFile(k.Picture(name))
		must(k.t, err)
		rests := bytes.Equal(before, now)
		before = now
		return rests
	})
}

// Glance takes a picture of a screen that does not rest: the third in a row, when
// what has just come has slid in.
func (k *Kodi) Glance(name string) {
	k.t.Helper()
	for range 3 {
		k.Picture(name)
	}
}

// What becomes of a picture until a phone has it.
var (
	// A television may cut 5 % off at each edge.
	overscan = []string{"-shave", "5%x5%"}
	// A set of 32 inches, 71 cm wide, seen 3 m away by a phone that looks for codes
	// in pictures of 1920 pixels over 69 degrees is 331 of them wide, and not sharp.
	acrossTheRoom = []string{"-filter", "Box", "-resize", "331x", "-blur", "0x0.7"}
)

// changed makes another picture out of one with ImageMagick.
func changed(t testing.TB, picture string, by []string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "changed.png")
	_, err := run(t, "convert", slices.Concat([]string{picture}, by, []string{file})...)
	must(t, err)
	return file
}

// nothingRead is zbarimg's status for a picture without a code.
const nothingRead = 4

// reads gives what zbar reads in a picture, or nothing.
func reads(t testing.TB, picture string) string {
	t.Helper()
	text, err := run(t, "zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", picture)
	if status := new(exec.ExitError); !errors.As(err, &status) || status.ExitCode() != nothingRead {
		must(t, err)
	}
	return text
}

// run runs a tool and gives what it prints.
func run(t testing.TB, tool string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, tool, arguments...).Output()
	var status *exec.ExitError
	if errors.As(err, &status) {
		err = fmt.Errorf("%s: %w: %s", tool, err, status.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
