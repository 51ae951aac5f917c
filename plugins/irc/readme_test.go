package main

import (
	"os"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

// The examples of the README start, and it names every setting and metric.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, examples := string(b), 0
	h := plugintest.NewHost(t)
	metrics := map[string]bool{}
	for _, block := range strings.Split(readme, "```toml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var file struct {
			Tunnels map[string]settings `toml:"tunnels"`
		}
		if err := toml.NewDecoder(strings.NewReader(block)).DisallowUnknownFields().Decode(&file); err != nil {
			t.Fatalf("%v in\n%s", err, block)
		}
		for _, set := range file.Tunnels {
			typ, _ := set["type"].(string)
			delete(set, "type")
			if typ == "irc-client" {
				set = set.with(settings{"listen": "127.0.0.1:0"}) // the port may be in use here
			}
			tun := h.Start(plugin(), typ, set)
			for name := range tun.Metrics() {
				metrics[name] = true
			}
			tun.Stop()
			examples++
		}
	}
	if examples != 3 {
		t.Errorf("%d examples", examples)
	}
	for name := range metrics {
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_out"), "_in")
		if !strings.Contains(readme, "`"+name+"`") && !strings.Contains(readme, "`"+base+"`") {
			t.Errorf("metric %s is not described", name)
		}
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
}
