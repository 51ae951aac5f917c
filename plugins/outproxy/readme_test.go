package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/plugins/plugintest"
)

func TestReadme(t *testing.T) { plugintest.NewHost(t).Readme(plugin()) }

// Squid understands what the README says about it.
func TestReadmeSquid(t *testing.T) {
	program := needed(t, "squid")[0]
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(readme), "```squid\n")
	if !found {
		t.Fatal("there is no example")
	}
	example, _, _ = strings.Cut(example, "```")
	conf := filepath.Join(t.TempDir(), "squid.conf")
	if err := os.WriteFile(conf, []byte(example), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "-k", "parse", "-f", conf).CombinedOutput(); err != nil || strings.Contains(string(out), "ERROR") {
		t.Errorf("%v\n%s", err, out)
	}
}
