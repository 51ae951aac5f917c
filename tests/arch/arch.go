// Package arch checks that packages import only what the table of ARCHITECTURE.md allows.
package arch

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path of the project.
const Module = "clove.i2p"

// A Table maps a package pattern to the patterns that it may import. A pattern is a path below the module; a
// trailing /... stands for the package and all below it. "*" allows everything but tests.
type Table map[string][]string

// Heading of the table in ARCHITECTURE.md.
const Heading = "## Packages and what they may import"

// ParseTable reads the table behind Heading: | level | package | what lives there | may import |. Packages and imports
// are in backquotes.
func ParseTable(markdown string) (Table, error) {
	_, section, found := strings.Cut(markdown, Heading)
	if !found {
		return nil, fmt.Errorf("no %q", Heading)
	}
	t := make(Table)
	s := bufio.NewScanner(strings.NewReader(section))
	for s.Scan() {
		line := s.Text()
		if strings.HasPrefix(line, "## ") {
			break
		}
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		for _, p := range quoted(cells[2]) {
			if _, twice := t[p]; twice {
				return nil, fmt.Errorf("package %s is listed twice", p)
			}
			t[p] = quoted(cells[4])
		}
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("no rows behind %q", Heading)
	}
	return t, nil
}

func quoted(cell string) []string {
	var out []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			out = append(out, part)
		}
	}
	return out
}

// Check returns what breaks the table in a tree: imports that are not allowed, packages without a row, rows without a
// package. Tests may import anything.
func (t Table) Check(tree fs.FS) ([]string, error) {
	var wrong []string
	used := make(map[string]bool)
	imports, err := Imports(tree)
	if err != nil {
		return nil, err
	}
	for pkg, list := range imports {
		row, ok := t.row(pkg)
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s is not in the table", pkg))
			continue
		}
		used[row] = true
		for _, imp := range list {
			if !allowed(t[row], row, imp) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s", pkg, imp))
			}
		}
	}
	for row := range t {
		if !used[row] {
			wrong = append(wrong, fmt.Sprintf("%s is in the table and not in the tree", row))
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

// row is the most exact pattern for a package.
func (t Table) row(pkg string) (string, bool) {
	if _, ok := t[pkg]; ok {
		return pkg, true
	}
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := t[p+"/..."]; ok {
			return p + "/...", true
		}
	}
	return "", false
}

func allowed(patterns []string, self, imp string) bool {
	for _, p := range append(patterns, self) {
		switch base, below := strings.CutSuffix(p, "/..."); {
		case p == "*":
			if imp != "tests" && !strings.HasPrefix(imp, "tests/") {
				return true
			}
		case imp == base, below && strings.HasPrefix(imp, base+"/"):
			return true
		}
	}
	return false
}

// Imports lists, for each package of a tree, the packages of the project that its files import; test files are left
// out.
func Imports(tree fs.FS) (map[string][]string, error) {
	out := make(map[string][]string)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		if _, known := out[pkg]; !known {
			out[pkg] = nil
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if below, ours := strings.CutPrefix(imp, Module+"/"); ours && !slices.Contains(out[pkg], below) {
				out[pkg] = append(out[pkg], below)
			}
		}
		return nil
	})
	return out, err
}
