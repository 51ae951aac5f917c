package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/conformance"
	"clove.i2p/plugins/plugintest"
)

// The README describes everything, and its examples start.
func TestReadme(t *testing.T) {
	h := plugintest.NewHost(t)
	server := startServer(t, h, newApp(t), nil)
	h.I2P.Address(site)
	h.Readme(plugin(), server, startClient(t, h, nil))

	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, block := range strings.Split(string(b), "```toml\n")[1:] {
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
			if typ == "udp-client" {
				set["listen"] = "127.0.0.1:0" // the port may be in use here
				host, _, _ := strings.Cut(set["destination"].(string), ":")
				h.I2P.Address(host)
			}
			h.Start(plugin(), typ, set).Stop()
			examples++
		}
	}
	if examples != 5 {
		t.Errorf("%d examples", examples)
	}
}

// The binary passes the suite that every plugin has to.
func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clove-plugin-udp")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	sum, err := conformance.Run(t.Context(), conformance.Options{Binary: path}, func(r conformance.Result) {
		if r.Status == conformance.Failed {
			t.Errorf("%s: %s", r.Name, r.Text)
		}
	})
	if err != nil || sum.Passed < 15 {
		t.Fatalf("%+v, %v", sum, err)
	}
	t.Logf("%+v", sum)
}
