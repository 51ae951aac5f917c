package plugintest

import (
	"maps"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/sdk"
)

// Readme checks that README.md of the test's folder is true. The tunnels in its TOML examples, of which there are some, have settings
// without problems and start, on any port, unless they name files of their reader's machine. It names every type, every setting, and
// every metric of these tunnels and of those given. A metric that ends in _in and _out may be named without.
func (h *Host) Readme(p sdk.Plugin, running ...*Tunnel) {
	h.t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		h.t.Fatal(err)
	}
	d, err := sdk.Describe(p)
	if err != nil {
		h.t.Fatal(err)
	}
	readme := string(b)
	named := func(name string) bool { return strings.Contains(readme, "`"+name+"`") }
	types := map[string]*pb.TunnelType{}
	for _, typ := range d.Types {
		types[typ.Name] = typ
		if !named(typ.Name) {
			h.t.Errorf("README.md does not describe the type %s", typ.Name)
		}
		for _, s := range typ.Settings {
			if !named(s.Key) {
				h.t.Errorf("README.md does not describe the setting %s of %s", s.Key, typ.Name)
			}
		}
	}
	examples := h.examples(p, types, readme)
	if examples == nil {
		h.t.Error("README.md has no example of a tunnel")
	}
	for _, tunnel := range append(running, examples...) {
		for name := range tunnel.Metrics() {
			if !named(name) && !named(strings.TrimSuffix(strings.TrimSuffix(name, "_out"), "_in")) {
				h.t.Errorf("README.md does not describe the metric %s", name)
			}
		}
	}
}

// examples tries the tunnels of the TOML blocks, and returns those that it started.
func (h *Host) examples(p sdk.Plugin, types map[string]*pb.TunnelType, readme string) (started []*Tunnel) {
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
			} else if local(types[typ], values) {
				started = append(started, h.Start(p, typ, values))
			}
		}
	}
	return started
}

// local makes the settings of an example fit for this machine: ports are free ones. It reports false for those that name files.
func local(typ *pb.TunnelType, values map[string]any) bool {
	for _, s := range typ.GetSettings() {
		_, given := values[s.Key]
		switch s.Kind {
		case pb.SettingKind_FILE, pb.SettingKind_FOLDER:
			if given {
				return false
			}
		case pb.SettingKind_LISTEN_ADDRESS:
			if s.Type == pb.SettingType_STRING && (given || s.DefaultJson != "") {
				values[s.Key] = "127.0.0.1:0"
			}
		}
	}
	return true
}
