package arch_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"clove.i2p/tests/arch"
)

const root = "../.."

func TestPackagesImportWhatTheTableAllows(t *testing.T) {
	markdown, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := arch.ParseTable(string(markdown))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := table.Check(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Errorf("%s: change the import, or ARCHITECTURE.md with a reason", w)
	}
}

func TestForbiddenImportIsFound(t *testing.T) {
	table := arch.Table{
		"router/i2p":       nil,
		"router/netdb":     {"router/i2p"},
		"cmd/...":          {"*"},
		"router/gone":      nil,
		"router/transport": {"router/i2p"},
	}
	src := func(imports ...string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("package p\nimport (\n\"" + strings.Join(imports, "\"\n\"") + "\"\n)\n")}
	}
	wrong, err := table.Check(fstest.MapFS{
		"router/i2p/a.go":            src("fmt"),
		"router/netdb/a.go":          src("clove.i2p/router/i2p", "clove.i2p/router/transport"),
		"router/netdb/a_test.go":     src("clove.i2p/tests/simnet"),
		"router/transport/a.go":      src("clove.i2p/router/i2p"),
		"router/new/a.go":            src("fmt"),
		"cmd/clove/a.go":             src("clove.i2p/router/netdb", "clove.i2p/tests/simnet"),
		"router/i2p/testdata/bad.go": src("clove.i2p/cmd/clove"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cmd/clove imports tests/simnet",
		"router/gone is in the table and not in the tree",
		"router/netdb imports router/transport",
		"router/new is not in the table",
	}
	if !slices.Equal(wrong, want) {
		t.Errorf("found %q, want %q", wrong, want)
	}
}

func TestTableIsReadFromMarkdown(t *testing.T) {
	table, err := arch.ParseTable("# A\n\n" + arch.Heading + "\n\ntext\n\n| level | package | what | may import |\n|---|---|---|---|\n" +
		"| 0 | `a/b`, `a/c` | two things | - |\n| 1 | `d/...` | x | `a/b`, `a/c` |\n\n## Next\n| 2 | `e` | x | `a/b` |\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != 3 || len(table["a/b"]) != 0 || !slices.Equal(table["d/..."], []string{"a/b", "a/c"}) {
		t.Errorf("table %v", table)
	}
	if _, err := arch.ParseTable("nothing"); err == nil {
		t.Error("no error without a table")
	}
}
