package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

// blocks are the examples of a language in the README.
func blocks(t *testing.T, language string) (readme string, examples []string) {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(b), "```"+language+"\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		examples = append(examples, block)
	}
	return string(b), examples
}

// The examples of the README are settings without problems, and it names every setting and metric.
func TestReadme(t *testing.T) {
	readme, examples := blocks(t, "toml")
	h := plugintest.NewHost(t)
	if len(examples) < 3 {
		t.Errorf("%d examples", len(examples))
	}
	for _, block := range examples {
		var file struct {
			Tunnels map[string]map[string]any `toml:"tunnels"`
			Proxies map[string]any            `toml:"proxies"`
		}
		if err := toml.NewDecoder(strings.NewReader(block)).DisallowUnknownFields().Decode(&file); err != nil {
			t.Fatalf("%v in\n%s", err, block)
		}
		for name, settings := range file.Tunnels {
			typ, _ := settings["type"].(string)
			settings = maps.Clone(settings)
			delete(settings, "type")
			if problems := h.Problems(plugin(), typ, settings); len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
		}
	}
	d, err := sdk.Describe(plugin())
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range d.Types {
		for _, s := range typ.Settings {
			if !strings.Contains(readme, "`"+s.Key+"`") {
				t.Errorf("setting %s of %s is not described", s.Key, typ.Name)
			}
		}
		settings := map[string]any{}
		if typ.Name == "outproxy-client" {
			settings["outproxies"] = []any{"exit.i2p"}
		}
		for name := range h.Start(plugin(), typ.Name, settings).Metrics() {
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("metric %s is not described", name)
			}
		}
	}
}

// Squid understands what the README says about it.
func TestReadmeSquid(t *testing.T) {
	program := needed(t, "squid")[0]
	_, examples := blocks(t, "squid")
	if len(examples) != 1 {
		t.Fatalf("%d examples", len(examples))
	}
	conf := filepath.Join(t.TempDir(), "squid.conf")
	if err := os.WriteFile(conf, []byte(examples[0]), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "-k", "parse", "-f", conf).CombinedOutput(); err != nil || strings.Contains(string(out), "ERROR") {
		t.Errorf("%v\n%s", err, out)
	}
}
