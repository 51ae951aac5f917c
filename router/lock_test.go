package router_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/router"
)

// A second router is refused before it touches anything, though it would make new keys as it hides.
func TestDataDirIsOfOneRouter(t *testing.T) {
	cfg := router.Config{DataDir: filepath.Join(t.TempDir(), "data"), NetworkID: 99, AllowPrivate: true}
	cfg.NTCP2.Listen = "127.0.0.1:0"
	r, err := router.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(cfg.DataDir, "router.keys")
	before, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	second := cfg
	second.Hidden = true
	if _, err := router.New(second, nil); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second router: %v", err)
	}
	if after, err := os.ReadFile(keys); err != nil || string(after) != string(before) {
		t.Errorf("the keys changed: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = router.New(cfg, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
