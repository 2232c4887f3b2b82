// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"cmp"
	"debug/elf"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/retune-tv/plexauthd/daemon/daemontest"
)

var update = flag.Bool("update", false, "write SIZE.md again")

// sizeList is what each module adds to plexauthd.
const sizeList = "SIZE.md"

// A module may grow or shrink by that much before the list has to be written
// again: other versions of Go differ a little.
const (
	slackPart = 10 // the tenth part of it
	slackKiB  = 16
)

// share is what belongs to one module, in bytes.
type share struct {
	name               string
	code, data, tables float64
}

func (s share) total() float64 { return s.code + s.data + s.tables }

// TestSizeList compares SIZE.md with plexauthd as it is.
func TestSizeList(t *testing.T) {
	shares := sharesOf(t)
	if *update {
		if err := os.WriteFile(sizeList, []byte(describe(shares)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(sizeList)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]float64{}
	for _, line := range regexp.MustCompile(`(?m)^\| (\S.*?) *\| *(\d+) \|`).FindAllStringSubmatch(string(text), -1) {
		listed[line[1]], _ = strconv.ParseFloat(line[2], 64)
	}
	for _, s := range shares {
		was, found := listed[s.name]
		is := s.total() / 1024
		if difference := max(is-was, was-is); !found || difference > max(slackKiB, was/slackPart) {
			t.Errorf("%s: %.0f KiB, listed with %.0f: make size writes the list again", s.name, is, was)
		}
		delete(listed, s.name)
	}
	if len(listed) > 0 {
		t.Errorf("listed, but not in plexauthd any more: %v; make size writes the list again", slices.Collect(maps.Keys(listed)))
	}
}

// joined are types and texts, of which the linker keeps each once, without a
// symbol, wherever it is defined.
const joined = "Go: types, texts and what else the linker joins"

// sharesOf builds plexauthd for amd64 with its symbols, which change nothing of
// the rest, and divides it among modules, the largest first. The tables by which
// Go finds a function and its lines are shared out by the code that they are about.
func sharesOf(t *testing.T) (all []share) {
	t.Helper()
	daemontest.MustRun(t, exec.Command("make", "--no-print-directory", "-C", "../..", "bin/symbols/plexauthd"))
	file, err := elf.Open("../../bin/symbols/plexauthd")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shares := divide(t, file)
	tables, code, rest := float64(file.Section(".gopclntab").Size), 0.0, loaded(file)
	for _, s := range shares {
		code += s.code
		rest -= s.code + s.data
	}
	shares[joined].data += rest - tables
	for _, s := range shares {
		s.tables = tables * s.code / code
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b share) int { return cmp.Or(cmp.Compare(b.total(), a.total()), cmp.Compare(a.name, b.name)) })
	return all
}

// divide adds up the symbols of each module.
func divide(t *testing.T, file *elf.File) map[string]*share {
	t.Helper()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	module, shares := modulesOf(t), map[string]*share{}
	for _, symbol := range symbols {
		if symbol.Section == elf.SHN_UNDEF || int(symbol.Section) >= len(file.Sections) {
			continue
		}
		section := file.Sections[symbol.Section]
		if section.Type == elf.SHT_NOBITS || section.Name == ".gopclntab" || symbol.Size == 0 {
			continue
		}
		name := module(symbol.Name)
		if shares[name] == nil {
			shares[name] = &share{name: name}
		}
		if section.Name == ".text" {
			shares[name].code += float64(symbol.Size)
		} else {
			shares[name].data += float64(symbol.Size)
		}
	}
	return shares
}

// loaded gives how much of a program is in its file for the kernel to load.
func loaded(file *elf.File) (size float64) {
	for _, section := range file.Sections {
		if section.Flags&elf.SHF_ALLOC != 0 && section.Type != elf.SHT_NOBITS {
			size += float64(section.Size)
		}
	}
	return size
}

// modulesOf gives a function that names the module of a symbol; Go's own
// packages are told apart by what they are for.
func modulesOf(t *testing.T) func(symbol string) string {
	t.Helper()
	modules := strings.Fields(daemontest.MustRun(t, exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "../../cmd/plexauthd")))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	kinds := map[string]string{"crypto": "TLS and cryptography", "net": "network and HTTP", "mime": "network and HTTP",
		"vendor": "network and HTTP", "runtime": "runtime", "reflect": "runtime", "encoding": "encodings"}
	return func(symbol string) string {
		symbol, _, _ = strings.Cut(symbol, "[")
		if strings.HasPrefix(symbol, "type:") || strings.HasPrefix(symbol, "go:") || !strings.Contains(symbol, ".") {
			return joined
		}
		slash := strings.LastIndex(symbol, "/") + 1
		name, _, _ := strings.Cut(symbol[slash:], ".")
		path := strings.ReplaceAll(symbol[:slash]+name, "%2e", ".")
		for _, m := range modules {
			if path == m || strings.HasPrefix(path, m+"/") || m == "github.com/retune-tv/plexauthd" && path == "main" {
				return m
			}
		}
		first, rest, _ := strings.Cut(path, "/")
		if first == "internal" {
			first, _, _ = strings.Cut(rest, "/")
		}
		return "Go: " + cmp.Or(kinds[first], "the rest")
	}
}

// describe writes the list.
func describe(shares []share) string {
	var text bytes.Buffer
	text.WriteString(`# What each dependency adds to plexauthd

` + "`make size`" + ` writes this list, and ` + "`make bench`" + ` fails when it is out of date by more than a
tenth and 16 KiB. It holds the symbols of a build for amd64 as the packages have it,
by the module that they come from, in KiB; "tables" is the module's part of those by
which Go finds functions and lines, by the size of its code. A module without which
others of Go's own packages were not needed takes those along too: they stand in
their own lines.

| module | KiB | code | data | tables |
|---|---:|---:|---:|---:|
`)
	var sum share
	for _, s := range shares {
		fmt.Fprintf(&text, "| %s | %.0f | %.0f | %.0f | %.0f |\n", s.name, s.total()/1024, s.code/1024, s.data/1024, s.tables/1024)
		sum.code, sum.data, sum.tables = sum.code+s.code, sum.data+s.data, sum.tables+s.tables
	}
	fmt.Fprintf(&text, "\nIn all %.0f KiB: code %.0f, data %.0f, tables %.0f.\n", sum.total()/1024, sum.code/1024, sum.data/1024, sum.tables/1024)
	return text.String()
}
