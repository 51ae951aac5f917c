package plugintest

import (
	"maps"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/sdk"
)

// Readme checks that README.md of the test's folder is true: the tunnels in its TOML examples, of which there are some, have settings
// without problems, and it names every type, every setting, and every metric of the tunnels given.
func (h *Host) Readme(p sdk.Plugin, running ...*Tunnel) {
	h.t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		h.t.Fatal(err)
	}
	readme := string(b)
	if h.examples(p, readme) == 0 {
		h.t.Error("README.md has no example of a tunnel")
	}
	d, err := sdk.Describe(p)
	if err != nil {
		h.t.Fatal(err)
	}
	named := func(what, name string) {
		if !strings.Contains(readme, "`"+name+"`") {
			h.t.Errorf("README.md does not describe the %s %s", what, name)
		}
	}
	for _, typ := range d.Types {
		named("type", typ.Name)
		for _, s := range typ.Settings {
			named("setting", s.Key)
		}
	}
	for _, tunnel := range running {
		for name := range tunnel.Metrics() {
			named("metric", name)
		}
	}
}

// examples tries the tunnels of the TOML blocks and counts them.
func (h *Host) examples(p sdk.Plugin, readme string) (count int) {
	h.t.Helper()
	for _, block := range strings.Split(readme, "```toml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var file struct {
			Tunnels map[string]map[string]any `toml:"tunnels"`
			Plugins map[string]any            `toml:"plugins"`
			Proxies map[string]any            `toml:"proxies"`
		}
		if err := toml.NewDecoder(strings.NewReader(block)).DisallowUnknownFields().Decode(&file); err != nil {
			h.t.Fatalf("%v in\n%s", err, block)
		}
		for name, values := range file.Tunnels {
			typ, _ := values["type"].(string)
			values = maps.Clone(values)
			for _, key := range []string{"type", "enabled", "keys", "length", "quantity", "max_connections"} {
				delete(values, key) // clove's own
			}
			if problems := h.Problems(p, typ, values); len(problems) > 0 {
				h.t.Errorf("README.md: tunnel %s: %v", name, problems)
			}
			count++
		}
	}
	return count
}
