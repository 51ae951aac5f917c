package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"clove.i2p/config"
)

const root = "../.."

func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fenced  = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```")
	code    = regexp.MustCompile("(?m)^    (.*)$|`([^`\n]+)`")
	command = regexp.MustCompile(`(?:^|[ /])clove ((?:[a-z]+ ?)+)(.*)`)
	target  = regexp.MustCompile(`^make ([a-z0-9-]+)`)
	flags   = regexp.MustCompile(`--[a-z-]+`)
)

// The commands that the documents name are there, with their flags.
func TestCommandsOfTheDocuments(t *testing.T) {
	makefile := document(t, "Makefile")
	commands, targets := 0, 0
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		for _, m := range code.FindAllStringSubmatch(document(t, name), -1) {
			line, _, _ := strings.Cut(m[1]+m[2], "#")
			if m := target.FindStringSubmatch(line); m != nil {
				targets++
				if !strings.Contains(makefile, "\n"+m[1]+":") {
					t.Errorf("%s: %q: there is no such target", name, line)
				}
			}
			if m := command.FindStringSubmatch(line); m != nil {
				commands++
				out, err := exec.Command(program, append(strings.Fields(m[1]), "--help")...).Output()
				if group := strings.Contains(string(out), "Available Commands:"); err != nil || group && m[1] != "connections" { // which lists them
					t.Errorf("%s: %q: there is no such command", name, line)
				}
				for _, flag := range flags.FindAllString(m[2], -1) {
					if !strings.Contains(string(out), flag) {
						t.Errorf("%s: %q: there is no flag %s", name, line, flag)
					}
				}
			}
		}
	}
	if commands < 10 || targets < 5 {
		t.Errorf("%d commands and %d targets found: does this test still read the documents?", commands, targets)
	}
}

func TestTOMLOfTheReadme(t *testing.T) {
	found := 0
	for _, m := range fenced.FindAllStringSubmatch(document(t, "README.md"), -1) {
		if m[1] != "toml" {
			continue
		}
		found++
		path := filepath.Join(t.TempDir(), config.FileName)
		if err := os.WriteFile(path, []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(config.Sources{File: path}); err != nil {
			t.Errorf("%v in\n%s", err, m[2])
		}
	}
	if found == 0 {
		t.Error("no TOML found")
	}
}

func TestGoOfTheReadme(t *testing.T) {
	example := document(t, "examples/embed/main.go")
	found := 0
	for _, m := range fenced.FindAllStringSubmatch(document(t, "README.md"), -1) {
		if m[1] != "go" {
			continue
		}
		for line := range strings.Lines(m[2]) {
			found++
			if !strings.Contains(example, line) {
				t.Errorf("examples/embed has no line\n%s", line)
			}
		}
	}
	if found == 0 {
		t.Error("no Go found")
	}
}

// Links within the repository lead somewhere.
func TestLinksOfTheReadme(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(document(t, "README.md"), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
}
