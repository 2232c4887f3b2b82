// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The layers of this package, from top to bottom: a file refers to its own layer
// and to those below it.
var layers = [][]string{
	{"account.go"},
	{"schedule.go", "due.go", "alarm.go"},
	{"pairing.go", "polling.go", "poller.go", "session.go", "credentials.go", "renew.go", "home.go", "servers.go", "serverlist.go", "flight.go", "whose.go"},
	{"ledger.go", "opening.go"},
	{"record.go", "transitions.go", "pintransitions.go", "movetransitions.go", "keytransitions.go", "verdict.go", "standing.go", "device.go", "snapshot.go", "events.go", "feed.go", "errors.go", "input.go", "log.go", "options.go", "doc.go"},
}

// What the package may grow to; it must not grow into a knot again.
const (
	maxFileLines      = 300
	maxLines          = 5000 // shared saves, what plex.tv says, and the pace of callers, are new
	maxCircle         = 5
	maxAccountMethods = 25
	maxAccountFields  = 10
	maxClaimFiles     = 4
)

// licence begins each file and does not count.
const licence = "// SPDX-License-Identifier: Apache-2.0\n\n"

// source is this package, without its tests.
type source struct {
	fset  *token.FileSet
	files []*ast.File
	info  types.Info
	pkg   *types.Package
	lines map[string]int
	refs  map[types.Object]map[types.Object]bool // from each function, type, variable to those it names
}

// readSource checks the types of the package without those that it imports: what
// of them is used does not matter here.
func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{fset: token.NewFileSet(), lines: map[string]int{}, refs: map[types.Object]map[types.Object]bool{}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(s.fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, file)
		s.lines[name] = strings.Count(strings.TrimPrefix(string(text), licence), "\n")
	}
	s.info = types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}}
	s.pkg, _ = config.Check("auth", s.fset, s.files, &s.info)
	for _, file := range s.files {
		for _, decl := range file.Decls {
			s.readDecl(decl)
		}
	}
	return s
}

// readDecl notes what each name that decl declares refers to.
func (s *source) readDecl(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		s.note(d, d.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.note(spec, spec.Name)
			case *ast.ValueSpec:
				s.note(spec, spec.Names...)
			}
		}
	}
}

func (s *source) note(from ast.Node, names ...*ast.Ident) {
	named := map[types.Object]bool{}
	ast.Inspect(from, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if o := s.declared(id); o != nil {
				named[o] = true
			}
		}
		return true
	})
	for _, name := range names {
		s.refs[s.info.Defs[name]] = named
	}
}

// declared is the function, method, type or value of this package that id names.
func (s *source) declared(id *ast.Ident) types.Object {
	o := s.info.Uses[id]
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	if o == nil || o.Pkg() != s.pkg {
		return nil
	}
	if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil || o.Parent() == s.pkg.Scope() {
		return o
	}
	return nil
}

func (s *source) file(o types.Object) string { return s.fset.Position(o.Pos()).Filename }

// fileRefs gives the files that each file refers to.
func (s *source) fileRefs() map[string]map[string]bool {
	refs := map[string]map[string]bool{}
	for from, named := range s.refs {
		for to := range named {
			if refs[s.file(from)] == nil {
				refs[s.file(from)] = map[string]bool{}
			}
			refs[s.file(from)][s.file(to)] = true
		}
	}
	return refs
}

// reached gives what start refers to, directly or not.
func reached[K comparable](refs map[K]map[K]bool, start K) map[K]bool {
	seen, todo := map[K]bool{start: true}, []K{start}
	for len(todo) > 0 {
		for next := range refs[todo[0]] {
			if !seen[next] {
				seen[next], todo = true, append(todo, next)
			}
		}
		todo = todo[1:]
	}
	return seen
}

func layerOf(file string) int {
	return slices.IndexFunc(layers, func(files []string) bool { return slices.Contains(files, file) })
}

func TestEachLayerKnowsOnlyThoseBelow(t *testing.T) {
	s := readSource(t)
	refs := s.fileRefs()
	for name := range s.lines {
		if layerOf(name) < 0 {
			t.Errorf("%s is in no layer", name)
		}
		for to := range refs[name] {
			if layerOf(to) < layerOf(name) {
				t.Errorf("%s refers to %s, which is above it", name, to)
			}
		}
	}
	var circle []string
	for name := range refs {
		var files []string
		for other := range reached(refs, name) {
			if other == name || reached(refs, other)[name] {
				files = append(files, other)
			}
		}
		if slices.Sort(files); len(files) > len(circle) {
			circle = files
		}
	}
	atMost(t, "files in the largest circle", len(circle), maxCircle, circle...)
}

func TestTheAccountIsSmall(t *testing.T) {
	s := readSource(t)
	account := s.pkg.Scope().Lookup("Account").Type().(*types.Named)
	atMost(t, "methods of Account", account.NumMethods(), maxAccountMethods)
	atMost(t, "fields of Account", account.Underlying().(*types.Struct).NumFields(), maxAccountFields)
	lines := 0
	for name, n := range s.lines {
		lines += n
		if n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", name, n, maxFileLines)
		}
	}
	longest := slices.MaxFunc(slices.Collect(maps.Keys(s.lines)), func(a, b string) int {
		return cmp.Compare(s.lines[a], s.lines[b])
	})
	atMost(t, "lines of the longest file", s.lines[longest], maxFileLines, longest)
	atMost(t, "lines in all", lines, maxLines)
}

// A claimed token goes from the poller to the published record. Files that only
// describe data decide nothing on that way, but the transitions do, which count once.
func TestAClaimPassesThroughFewFiles(t *testing.T) {
	s := readSource(t)
	poller := s.pkg.Scope().Lookup("poller").Type()
	poll := types.NewMethodSet(types.NewPointer(poller)).Lookup(s.pkg, "poll")
	files := map[string]bool{}
	for o := range reached(s.refs, types.Object(poll.Obj())) {
		if _, ok := o.(*types.Func); !ok {
			continue
		}
		if name := s.file(o); strings.HasSuffix(name, "transitions.go") {
			files["transitions.go"] = true
		} else if layerOf(name) < len(layers)-1 {
			files[name] = true
		}
	}
	atMost(t, "files that a claim passes through", len(files), maxClaimFiles, slices.Sorted(maps.Keys(files))...)
}

func atMost(t *testing.T, what string, got, most int, names ...string) {
	t.Helper()
	t.Logf("%s: %d of %d %s", what, got, most, strings.Join(names, " "))
	if got > most {
		t.Errorf("%s: %d, more than %d: %s", what, got, most, strings.Join(names, " "))
	}
}
