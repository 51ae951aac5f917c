package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example has every setting, at its default, and nothing else.
func TestExampleIsTheDefault(t *testing.T) {
	for name, text := range map[string]string{"as it is": Example(), "all settings": uncommented()} {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Load(Sources{File: path})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := Default()
		if want.DataDir, err = expand(want.DataDir); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, l.Config); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		for _, s := range l.Settings() {
			if name == "all settings" && (s.Origin.Layer != LayerFile || s.Origin.Line == 0) && s.Key != "proxies.rules" {
				t.Errorf("%s is not in the example", s.Key)
			}
			if name != "all settings" && s.Origin.Layer != LayerDefault {
				t.Errorf("%s is not commented out", s.Key)
			}
		}
	}
	for i, line := range strings.Split(Example(), "\n") {
		if len(line) > 120 && !strings.HasPrefix(line, "#jump") {
			t.Errorf("line %d is longer than 120 characters", i+1)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(uncommented())
	f.Add("[router]\nntcp2 = { listen = 1, x.y = [ { a = 1 } ] }\n[[a.b]]\nc.d = 1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		Load(Sources{File: path})
	})
}
