package scaffold_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/scaffold"
)

func tree(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// offline is the environment of a go command that has no network.
func offline() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CLOVE_") && !strings.HasPrefix(v, "GOFLAGS=") {
			env = append(env, v)
		}
	}
	return append(env, "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, offline()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestNewPluginBuildsAndPassesItsTests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := scaffold.Write(dir, "my-weather", scaffold.Options{Replace: tree(t)}); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "make")
	if out := command(t, dir, "./clove-plugin-my-weather", "--describe"); !strings.Contains(out, `"my-weather"`) {
		t.Fatalf("description %s", out)
	}
	// Its own tests run the conformance suite.
	command(t, dir, "make", "test")
	if out := command(t, dir, "gofmt", "-l", "."); out != "" {
		t.Fatalf("not formatted: %s", out)
	}
}

func TestFilesHaveTheNameAndVersion(t *testing.T) {
	dir := t.TempDir()
	if err := scaffold.Write(dir, "weather", scaffold.Options{Module: "git.example/me/weather", Version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "module git.example/me/weather\n\ngo 1.26.0\n\nrequire clove.i2p v1.2.3\n"; string(mod) != want {
		t.Fatalf("go.mod is\n%s", mod)
	}
	own, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(own), "\ngo 1.26.0\n") {
		t.Fatalf("clove's own go.mod has another version of Go: %v", err)
	}
	for _, file := range []string{"main.go", "main_test.go", "README.md", "Makefile", ".gitignore"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || strings.Contains(string(b), "{{"+"") || !strings.Contains(string(b), "weather") {
			t.Errorf("%s: %v\n%s", file, err, b)
		}
	}
}

func TestWhatIsThereStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main.go")
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := scaffold.Write(dir, "weather", scaffold.Options{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Fatalf("got %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Fatalf("main.go is %q", b)
	}
}

func TestBadNamesAreExplained(t *testing.T) {
	for name, o := range map[string]scaffold.Options{
		"":        {},
		"../x":    {},
		"Weather": {},
		"a--b":    {},
		"-a":      {},
		"a\"b":    {},
		"ok":      {Module: "a b"},
		"fine":    {Replace: t.TempDir()},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		if err := scaffold.Write(dir, name, o); err == nil {
			t.Errorf("%q, %+v: no error", name, o)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: the folder was made", name)
		}
	}
}
