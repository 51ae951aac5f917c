package appliance_test

import (
	"os"
	"path/filepath"
	"testing"

	"clove.i2p/cmd/clove/internal/appliance"
	cloveconfig "clove.i2p/config"
)

// The address of a tunnel depends on its keys, and not on how the data directory was written.
func TestKeysOfTunnelsAreInTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	for _, name := range []string{dir, filepath.Base(dir)} {
		l, err := cloveconfig.Load(cloveconfig.Sources{Flags: []cloveconfig.Flag{
			{Name: "--data-dir", Key: "data_dir", Value: name}, {Name: "--set", Key: "tunnels.web.type", Value: "http-server"},
			{Name: "--set", Key: "tunnels.web.keys", Value: "web.keys"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := appliance.FromConfig(l)
		if err != nil {
			t.Fatal(err)
		}
		here, _ := os.Getwd()
		if got, want := cfg.Plugins.Tunnels["web"].KeyFile, filepath.Join(here, filepath.Base(dir), "web.keys"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
