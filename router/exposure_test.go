package router_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"clove.i2p/router"
	"clove.i2p/router/i2p"
)

// Who hides gets a hash that nobody has seen, and so does who shows himself again.
func TestIdentityIsNewWhereTheRouterShowsItselfOtherwise(t *testing.T) {
	type keys struct {
		hash        i2p.Hash
		ntcp2, ssu2 string
	}
	dir := t.TempDir()
	start := func(cfg router.Config) (k keys) {
		t.Helper()
		cfg.DataDir, cfg.NetworkID, cfg.AllowPrivate = dir, 99, true
		cfg.NTCP2.Listen = "127.0.0.1:0"
		r, err := router.New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		k.hash = r.Hash()
		for name, to := range map[string]*string{"ntcp2.keys": &k.ntcp2, "ssu2.keys": &k.ssu2} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			*to = string(b)
		}
		return k
	}
	proxy := router.Config{Upstream: "socks5://127.0.0.1:9"}
	first := start(router.Config{})
	if start(router.Config{}) != first {
		t.Fatal("a restart changes the identity")
	}
	before := first
	for i, cfg := range []router.Config{{Hidden: true}, proxy, {}} {
		now := start(cfg)
		if now.hash == before.hash || now.ntcp2 == before.ntcp2 || now.ssu2 == before.ssu2 && now.ssu2 != "" || now.hash == first.hash {
			t.Errorf("step %d: keys of before are used", i)
		}
		if before = now; start(cfg) != now {
			t.Errorf("step %d: a restart changes the identity", i)
		}
	}
	// Data of a clove that did not keep the fact: the RouterInfo that it wrote publishes an address.
	if err := os.Remove(filepath.Join(dir, "router.exposure")); err != nil {
		t.Fatal(err)
	}
	if start(proxy).hash == before.hash {
		t.Error("a hash that was published goes behind the proxy")
	}
	before = start(proxy)
	if err := os.Remove(filepath.Join(dir, "router.exposure")); err != nil {
		t.Fatal(err)
	}
	if start(proxy) != before {
		t.Error("one that never published an address is lost")
	}
}
