package router_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// Data of a clove that did not keep how it showed itself: its RouterInfo tells, as far as it does.
func TestRouterInfoOfBeforeTellsHowItShowedItself(t *testing.T) {
	public, hidden, proxied := router.Config{}, router.Config{Hidden: true}, router.Config{Upstream: "socks5://127.0.0.1:9"}
	introduced := map[string]string{"caps": "4", "ih0": i2p.Hash{1}.String(), "itag0": "7", "iexp0": "1700000000"}
	silent := map[string]string{"caps": "46"}
	for _, c := range []struct {
		name    string
		caps    string
		address map[string]string
		now     router.Config
		renewed bool
	}{
		{"dialled, and hides", "XR", map[string]string{"host": "192.0.2.1", "port": "5"}, hidden, true},
		{"introduced, and hides", "XU", introduced, hidden, true},
		{"introduced, and goes behind a proxy", "XU", introduced, proxied, true},
		{"introduced still", "XU", introduced, public, false},
		{"hidden, and shows itself", "XHG", silent, public, true},
		{"hidden still", "XHG", silent, hidden, false},
		{"hidden, and goes behind a proxy", "XHG", silent, proxied, false},
		{"not found, and hides", "XU", silent, hidden, false},
		{"not found still", "XU", silent, public, false},
	} {
		dir := t.TempDir()
		keys, err := i2p.LoadOrCreateRouterKeys(filepath.Join(dir, "router.keys"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := i2p.NewRouterAddress(10, "SSU2", c.address)
		if err != nil {
			t.Fatal(err)
		}
		ri, err := i2p.NewRouterInfo(keys, time.Now(), []i2p.RouterAddress{a}, map[string]string{"caps": c.caps, "netId": "99", "router.version": "0.9.67"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "router.info"), ri.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := c.now
		cfg.DataDir, cfg.NetworkID, cfg.AllowPrivate = dir, 99, true
		cfg.NTCP2.Listen = "127.0.0.1:0"
		r, err := router.New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if renewed := r.Hash() != ri.Hash(); renewed != c.renewed {
			t.Errorf("%s: a new identity: %v", c.name, renewed)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
