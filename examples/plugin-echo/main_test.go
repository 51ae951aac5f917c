package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"clove.i2p/plugins/conformance"
	"clove.i2p/plugins/plugintest"
)

func TestEcho(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(plugin, "echo", map[string]any{"port": 7})
	c, err := h.I2P.Dial(t.Context(), "visitor.i2p", tun.Name(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Fatalf("got %q, %v", b, err)
	}
	if n := tun.Metrics()["streams"]; n != 1 {
		t.Fatalf("%v streams", n)
	}
}

func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clove-plugin-echo")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	sum, err := conformance.Run(t.Context(), conformance.Options{Binary: path}, func(r conformance.Result) {
		if r.Status == conformance.Failed {
			t.Errorf("%s: %s", r.Name, r.Text)
		}
	})
	if err != nil || sum.Passed < 17 {
		t.Fatalf("%+v, %v", sum, err)
	}
}

// The README's table is a tunnel that starts.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```toml\n(.*?)```").FindSubmatch(readme)
	var config struct{ Tunnels map[string]map[string]any }
	if err := toml.Unmarshal(block[1], &config); err != nil {
		t.Fatal(err)
	}
	for _, settings := range config.Tunnels {
		typ := settings["type"].(string)
		delete(settings, "type")
		plugintest.NewHost(t).Start(plugin, typ, settings)
	}
	if len(config.Tunnels) != 1 {
		t.Fatalf("%d tunnels", len(config.Tunnels))
	}
}
