// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// What is between these lines of README.md is of the last whole run.
const (
	tablesBegin = "<!-- make bench writes from here -->\n"
	tablesEnd   = "<!-- to here -->\n"
)

// report writes all tables.
func (b *benchmark) report() string {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, %s, %d processors, load %s at the end, Linux %s, %s\n", time.Now().Format(time.DateOnly),
		processor(), runtime.NumCPU(), load(), release(), runtime.Version())
	for _, table := range []struct {
		name string
		rows []row
	}{{"Beside other services", b.services}, {"As it grows", b.growth}, {"How near the floor", b.floors}} {
		fmt.Fprintf(&text, "\n### %s\n\n", table.name)
		print(&text, table.rows)
	}
	return text.String()
}

// load is how many tasks wanted a processor in the last five minutes, on average.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Fields(string(text) + " ? ?")[1]
}

// draw writes the pictures, and README.md's tables. Those of a quick run go to a
// temporary directory: they say nothing.
func (b *benchmark) draw() {
	dir := "."
	if *quick {
		dir = b.t.TempDir()
	} else if err := b.writeTables("README.md"); err != nil {
		b.t.Error(err)
	}
	for _, c := range b.charts {
		text := c.svg()
		if err := wellFormed(text); err != nil {
			b.t.Errorf("%s: %v", c.file, err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.file), text, 0o644); err != nil {
			b.t.Error(err)
		}
	}
}

func (b *benchmark) writeTables(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), tablesBegin)
	_, after, ends := strings.Cut(rest, tablesEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the tables", file)
	}
	return os.WriteFile(file, []byte(before+tablesBegin+"\n"+b.report()+"\n"+tablesEnd+after), 0o644)
}

func wellFormed(text []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
