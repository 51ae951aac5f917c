package host_test

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"clove.i2p/plugins/host"
)

func TestTunnelLivesAndDies(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1.2.3"})
	address := b.local("a", "test-local", "hi", "password", "hunter2")
	b.desired.Tunnels["s"] = host.TunnelConfig{Type: "test-server", Enabled: true}
	plan := b.applied()
	if len(plan.Added) != 2 || len(plan.PluginsAdded) != 1 {
		t.Errorf("%+v", plan)
	}
	c, greeting := b.connect(address)
	if greeting != "1.2.3 hi" {
		t.Errorf("greeting %q", greeting)
	}
	c.works("ping")
	s := b.tunnel("a")
	if s.State != host.TunnelRunning || s.Plugin != "tester" || s.Open != 1 || len(s.Local) != 1 || s.Local[0] != address || s.Metrics["served"] != 1 {
		t.Errorf("%+v", s)
	}
	if s.Settings["password"] != "***" || s.Settings["idle"] != "10m0s" {
		t.Errorf("settings %v", s.Settings)
	}
	s = b.tunnel("s")
	if !strings.HasSuffix(s.Address, ".b32.i2p") || !s.Published || s.State != host.TunnelRunning {
		t.Errorf("%+v", s)
	}
	i2p, err := b.net.Dial(b.ctx, "peer.i2p", s.Address, 80)
	if err != nil {
		t.Fatal(err)
	}
	_ = i2p.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(i2p, "x")
	if _, err := io.ReadFull(i2p, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	_ = i2p.Close()
	b.eventually("that connection ends", func() bool { return len(b.host.Connections()) == 1 })

	p := b.plugin("tester")
	if p.State != host.PluginRunning || p.PID == 0 || p.Version != "1.2.3" || len(p.Types) != 2 || len(p.Tunnels) != 2 || p.Memory == 0 || p.Uptime <= 0 {
		t.Errorf("%+v", p)
	}
	if strings.Join(p.Asked, " ") != "listen-local listen-i2p" || len(p.Granted) != len(allPermissions) {
		t.Errorf("asked %v, granted %v", p.Asked, p.Granted)
	}
	if all := b.host.Connections(); len(all) != 1 {
		t.Errorf("%+v", all)
	} else if err := b.host.Kill(all[0].ID); err != nil {
		t.Error(err)
	}
	if err := c.echo("dead?"); err == nil {
		t.Error("the connection was killed and lives")
	}
	if err := b.host.StopTunnel(b.ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it listens after the stop")
	}
	if s := b.tunnel("a"); s.State != host.TunnelStopped || s.Enabled {
		t.Errorf("%+v", s)
	}
	if err := b.host.StartTunnel(b.ctx, "a"); err != nil {
		t.Fatal(err)
	}
	c, _ = b.connect(address)
	_ = c.Close()
	delete(b.desired.Tunnels, "a")
	if plan := b.applied(); len(plan.Removed) != 1 || plan.Removed[0].Tunnel != "a" || plan.Unchanged != 1 {
		t.Errorf("%+v", plan)
	}
	if _, err := b.host.Tunnel(b.ctx, "a"); err == nil {
		t.Error("removed and there")
	}
}

func TestKilledPluginComesBack(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	b.install("other", script{Version: "2", Types: []string{"other"}})
	address := b.local("a", "test-local", "hi")
	others := b.local("o", "other-local", "hi")
	b.applied()
	b.connect(address)
	bystander, _ := b.connect(others)
	before := b.plugin("tester").PID
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	// The listener stays, so the connection is taken, and waits for the plugin.
	c, greeting := b.connect(address)
	t.Logf("served again after %v", time.Since(began))
	if greeting != "1 hi" {
		t.Errorf("%q", greeting)
	}
	c.works("again")
	bystander.works("undisturbed")
	b.eventually("running", func() bool { return b.tunnel("a").State == host.TunnelRunning })
	if p := b.plugin("tester"); p.PID == before || p.Restarts != 1 || p.State != host.PluginRunning {
		t.Errorf("%+v", p)
	}
	if p := b.plugin("other"); p.Restarts != 0 {
		t.Errorf("%+v", p)
	}
}

func TestCrashLoopEnds(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("villain", script{Behaviour: "crash"})
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.apply()
	b.eventually("the plugin has failed", func() bool { return b.plugin("villain").State == host.PluginFailed })
	p := b.plugin("villain")
	for _, want := range []string{"my last words", "5 times", "clove plugin restart villain"} {
		if !strings.Contains(p.Error, want) {
			t.Errorf("%q is not in %q", want, p.Error)
		}
	}
	if s := b.tunnel("v"); s.State != host.TunnelFailed || !strings.Contains(s.Error, "my last words") {
		t.Errorf("%+v", s)
	}
	if lines, err := b.host.Logs("villain"); err != nil || len(lines) == 0 || lines[0].Text != "my last words" {
		t.Errorf("%v, %v", lines, err)
	}
	// The user has mended it.
	b.install("villain", script{Behaviour: "mended"})
	b.applied()
	b.eventually("the tunnel runs", func() bool { return b.tunnel("v").State == host.TunnelRunning })
}

func TestDetachDrains(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "hi")
	b.applied()
	c, _ := b.connect(address)
	detached := make(chan error, 1)
	go func() { detached <- b.host.Detach(b.ctx, "tester") }()
	b.eventually("draining", func() bool { s := b.tunnel("a").State; return s == host.TunnelDraining || s == host.TunnelStopped })
	c.works("still here")
	select {
	case err := <-detached:
		t.Fatal("did not wait for the connection", err)
	default:
	}
	_ = c.Close()
	if err := <-detached; err != nil {
		t.Fatal(err)
	}
	if p := b.plugin("tester"); p.State != host.PluginDetached || p.PID != 0 {
		t.Errorf("%+v", p)
	}
	if s := b.tunnel("a"); s.State != host.TunnelStopped || !strings.Contains(s.Error, "clove plugin attach tester") {
		t.Errorf("%+v", s)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("listens while it is detached")
	}
	if err := b.host.Attach(b.ctx, "tester"); err != nil {
		t.Fatal(err)
	}
	c, _ = b.connect(address)
	_ = c.Close()
	cfg := b.desired.Plugins["tester"]
	cfg.Disabled = true
	b.desired.Plugins["tester"] = cfg
	if plan := b.applied(); len(plan.PluginsChanged) != 1 {
		t.Errorf("%+v", plan)
	}
	if p := b.plugin("tester"); p.State != host.PluginDetached {
		t.Errorf("%+v", p)
	}
	cfg.Disabled = false
	b.desired.Plugins["tester"] = cfg
	b.applied()
	b.connect(address)
}

func TestRestartStartsAnew(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "hi")
	b.applied()
	b.connect(address)
	before := b.plugin("tester").PID
	if err := b.host.Restart(b.ctx, "tester"); err != nil {
		t.Fatal(err)
	}
	if p := b.plugin("tester"); p.PID == before || p.State != host.PluginRunning {
		t.Errorf("%+v", p)
	}
	b.connect(address)
}

func TestPluginWithoutTunnelsIsDescribed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	b.applied()
	if p := b.plugin("tester"); len(p.Types) != 2 || p.Version != "1" {
		t.Errorf("%+v", p)
	}
}

func TestEndOfTheHostEndsAll(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	b.install("villain", script{Behaviour: "family"})
	b.local("a", "test-local", "hi")
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.applied()
	pids := []int{b.plugin("tester").PID, b.plugin("villain").PID}
	b.stop()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d lives", pid)
		}
	}
	if _, err := b.host.Apply(context.Background(), b.desired); err == nil {
		t.Error("applied after the end")
	}
}

func TestPluginThatDoesNotAnswerIsStartedAnew(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *host.Config) { c.HealthEvery = 100 * time.Millisecond })
	undisturbed := b.bystander()
	b.install("villain", script{Behaviour: "hang-health"})
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.applied()
	pid := b.plugin("villain").PID
	b.eventually("another process", func() bool { p := b.plugin("villain"); return p.PID != pid && p.Restarts == 1 })
	b.eventually("the tunnel runs again", func() bool { return b.tunnel("v").State == host.TunnelRunning })
	undisturbed()
}

func TestHealthIsShown(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *host.Config) { c.HealthEvery = 100 * time.Millisecond })
	b.install("tester", script{Version: "1"})
	b.local("a", "test-local", "hi")
	b.local("fast", "test-local", "hi", "mode", "fast")
	b.applied()
	b.eventually("healthy", func() bool { return b.tunnel("a").Health == "healthy" })
	b.eventually("degraded", func() bool { s := b.tunnel("fast"); return s.Health == "degraded" && s.HealthText == "too fast" })
}
