package main

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

// The examples of the README are settings without problems, and it names every setting and metric.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, examples := string(b), 0
	h := plugintest.NewHost(t)
	for _, block := range strings.Split(readme, "```toml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var file struct {
			Tunnels map[string]map[string]any `toml:"tunnels"`
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
			examples++
		}
	}
	if examples < 3 {
		t.Errorf("%d examples", examples)
	}
	d, err := sdk.Describe(plugin())
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range d.Types {
		if !strings.Contains(readme, "`"+typ.Name+"`") {
			t.Errorf("%s is not described", typ.Name)
		}
		for _, s := range typ.Settings {
			if !strings.Contains(readme, "`"+s.Key+"`") {
				t.Errorf("setting %s of %s is not described", s.Key, typ.Name)
			}
		}
	}
	site := h.Start(plugin(), "http-folder", map[string]any{"folder": t.TempDir()})
	for name := range site.Metrics() {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("metric %s is not described", name)
		}
	}
}
