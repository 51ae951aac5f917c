package appliance_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/proxies"
	"clove.i2p/router"
)

// config of a clove in a private network of its own, with its data in a folder whose path is short.
func config(t *testing.T) appliance.Config {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "clove-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return appliance.Config{
		Router:  router.Config{DataDir: dir, NetworkID: 77, AllowPrivate: true, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"}},
		Tunnels: router.Tunnels{Length: 1, Quantity: 1}, Proxies: appliance.ProxyConfig{HTTP: "127.0.0.1:0", SOCKS: "127.0.0.1:0", Isolation: proxies.DefaultIsolation(), Limits: appliance.IsolationLimits{Destinations: 4, Idle: time.Minute}},
		State: dir, Control: appliance.ControlPath(dir),
	}
}

func start(t *testing.T, cfg appliance.Config) (stop func()) {
	t.Helper()
	a, err := appliance.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	if err := a.Router().WaitRunning(ctx); err != nil {
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestSecondCloveOfADataDirectoryIsRefused(t *testing.T) {
	cfg := config(t)
	stop := start(t, cfg)
	_, err := appliance.New(cfg, slog.New(slog.DiscardHandler))
	if !errors.Is(err, control.ErrRunning) {
		t.Errorf("error: %v", err)
	}
	if _, err := control.NewClient(cfg.Control).Status(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
	stop()
	if _, err := control.NewClient(cfg.Control).Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
	start(t, cfg)() // and it starts again
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for key, set := range map[string]func(*appliance.Config){
		"proxies.http.listen":  func(c *appliance.Config) { c.Proxies.HTTP = l.Addr().String() },
		"proxies.socks.listen": func(c *appliance.Config) { c.Proxies.SOCKS = l.Addr().String() },
		"router.ntcp2.listen":  func(c *appliance.Config) { c.Router.NTCP2.Listen = l.Addr().String() },
	} {
		cfg := config(t)
		set(&cfg)
		if _, err := appliance.New(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
		cfg.Proxies.HTTP, cfg.Proxies.SOCKS, cfg.Router.NTCP2.Listen = "", "", "127.0.0.1:0"
		start(t, cfg)() // nothing is held from the first try
	}
}

func TestStatusOfCloveThatBuildsTunnels(t *testing.T) {
	cfg := config(t)
	defer start(t, cfg)()
	s, err := control.NewClient(cfg.Control).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Ready || s.NetworkID != 77 || s.HTTPProxy == "" || s.SOCKSProxy == "" || len(s.Destinations) != 2 || s.Process.Goroutines == 0 {
		t.Errorf("%+v", s)
	}
	conn, err := net.Dial("tcp", s.SOCKSProxy)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("\xff"))
	conn.Read(make([]byte, 1))
	if s, err = control.NewClient(cfg.Control).Status(t.Context()); err != nil || s.Proxies["socks"].Accepted != 1 || len(s.Proxies) != 2 {
		t.Errorf("proxies: %+v, %v", s.Proxies, err)
	}
}

func TestSiteKeepsItsAddress(t *testing.T) {
	cfg := config(t)
	defer start(t, cfg)()
	folder := t.TempDir()
	c := control.NewClient(cfg.Control)
	serve := func(inside func(), keyFile string) (address string, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err = c.Serve(ctx, control.ServeRequest{Target: folder, KeyFile: keyFile}, func(p control.ServeProgress) {
			address = p.Eepsite
			inside()
			cancel()
		})
		return address, err
	}
	first, err := serve(func() {
		if _, err := serve(func() {}, ""); err == nil || !strings.Contains(err.Error(), "served already") {
			t.Errorf("twice at one time: %v", err)
		}
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	// The end of the first request is known to clove a moment later.
	var second string
	for range 1000 {
		if second, err = serve(func() {}, ""); err == nil || !strings.Contains(err.Error(), "served already") {
			break
		}
	}
	if err != nil || second != first {
		t.Errorf("%s, then %s, %v", first, second, err)
	}
	files, err := filepath.Glob(filepath.Join(cfg.Router.DataDir, "destinations", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("key files: %v, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	own := filepath.Join(t.TempDir(), "own.dat")
	if other, err := serve(func() {}, own); err != nil || other == first {
		t.Errorf("own key file: %s, %v", other, err)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serve(func() {}, ""); err == nil || !strings.Contains(err.Error(), files[0]) || !strings.Contains(err.Error(), "good copy") {
		t.Errorf("damaged keys: %v", err)
	}
	if b, err := os.ReadFile(files[0]); err != nil || string(b) != "damaged" {
		t.Errorf("the file is %q, %v", b, err)
	}
}
