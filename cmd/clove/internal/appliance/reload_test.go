package appliance

import (
	"slices"
	"strings"
	"testing"

	"clove.i2p/config"
)

// A new password of the proxy takes a new start, as all of router.upstream does, and shows nowhere.
func TestANewProxyPasswordTakesARestart(t *testing.T) {
	from := func(upstream string) Config {
		l, err := config.Load(config.Sources{Environ: []string{"CLOVE_DATA_DIR=" + t.TempDir(), "CLOVE_ROUTER__UPSTREAM=" + upstream}})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := FromConfig(l)
		if err != nil {
			t.Fatal(err)
		}
		delete(cfg.Fixed, "data_dir")
		return cfg
	}
	a := &Appliance{cfg: from("socks5://u:secret1@127.0.0.1:1")}
	if got := a.fixedChanges(from("socks5://u:secret1@127.0.0.1:1")); len(got) != 0 {
		t.Errorf("the same: %v", got)
	}
	if got := a.fixedChanges(from("socks5://u:secret2@127.0.0.1:1")); !slices.Equal(got, []string{"router.upstream"}) {
		t.Errorf("another password: %v", got)
	}
	for key, value := range a.cfg.Fixed {
		if strings.Contains(value, "secret") {
			t.Errorf("%s = %s", key, value)
		}
	}
}
