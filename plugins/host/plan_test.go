package host_test

import (
	"reflect"
	"strings"
	"testing"

	"clove.i2p/plugins/host"
)

func (b *bed) edit(name string, change func(*host.TunnelConfig)) {
	cfg := b.desired.Tunnels[name]
	settings := map[string]any{}
	for k, v := range cfg.Settings {
		settings[k] = v
	}
	cfg.Settings = settings
	change(&cfg)
	b.desired.Tunnels[name] = cfg
}

func TestApplyTouchesOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	hot := b.local("hot", "test-local", "hi", "hot", true)
	cold := b.local("cold", "test-local", "hi")
	still := b.local("still", "test-local", "hi")
	b.desired.Tunnels["server"] = host.TunnelConfig{Type: "test-server", Enabled: true}
	b.applied()
	address := b.tunnel("server").Address
	var clients []*client
	for _, a := range []string{hot, cold, still} {
		c, _ := b.connect(a)
		clients = append(clients, c)
	}
	if plan := b.applied(); !plan.Empty() || plan.Unchanged != 4 {
		t.Errorf("%+v", plan)
	}
	// A number from JSON is the one from TOML, and a default that is written out is no change.
	b.edit("still", func(c *host.TunnelConfig) {
		c.Settings["count"] = float64(0)
		delete(c.Settings, "count")
		c.Settings["mode"] = "slow"
	})
	if plan := b.applied(); !plan.Empty() {
		t.Errorf("%+v", plan)
	}

	b.edit("hot", func(c *host.TunnelConfig) { c.Settings["greeting"] = "hey" })
	b.edit("cold", func(c *host.TunnelConfig) { c.Settings["greeting"] = "hey" })
	b.edit("still", func(c *host.TunnelConfig) { c.MaxConnections = 7 })
	b.edit("server", func(c *host.TunnelConfig) { c.Quantity = 5 })
	foretold, err := b.host.Plan(b.ctx, host.Desired{Plugins: b.desired.Plugins, Tunnels: b.desired.Tunnels})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(foretold.Reloaded, " "); got != "cold hot still" || len(foretold.Restarted) != 1 || foretold.Restarted[0].Tunnel != "server" {
		t.Errorf("foretold %+v", foretold)
	}
	plan := b.applied()
	if got := strings.Join(plan.Reloaded, " "); got != "hot still" {
		t.Errorf("reloaded %s", got)
	}
	if want := []host.Drop{{Tunnel: "cold", Connections: 1}, {Tunnel: "server"}}; !reflect.DeepEqual(plan.Restarted, want) {
		t.Errorf("restarted %+v", plan.Restarted)
	}
	clients[0].works("hot")
	clients[2].works("still")
	if err := clients[1].echo("cold"); err == nil {
		t.Error("the connection of a tunnel that was restarted goes on")
	}
	for _, a := range []string{hot, cold} {
		if _, greeting := b.connect(a); greeting != "1 hey" {
			t.Errorf("%q", greeting)
		}
	}
	if now := b.tunnel("server"); now.Address != address || now.State != host.TunnelRunning {
		t.Errorf("the server had address %s and is %+v", address, now)
	}
}

func TestBadSettingsLeaveATunnelAsItWas(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "hi")
	b.applied()
	c, _ := b.connect(address)
	b.edit("a", func(c *host.TunnelConfig) { c.Settings["mode"] = "sideways" })
	plan := b.apply()
	if len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0], "mode") {
		t.Errorf("%+v", plan)
	}
	c.works("as it was")
	if s := b.tunnel("a"); s.State != host.TunnelRunning {
		t.Errorf("%+v", s)
	}
}

func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	b.local("a", "test-local", "hi")
	plan, err := b.host.Plan(b.ctx, b.desired)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.PluginsAdded) != 1 || len(plan.Added) != 1 || len(plan.Problems) != 0 {
		t.Errorf("%+v", plan)
	}
	if len(b.host.Plugins()) != 0 || len(b.host.Tunnels()) != 0 {
		t.Error("it did something")
	}
	b.edit("a", func(c *host.TunnelConfig) { c.Type = "tset-local" })
	if plan, err = b.host.Plan(b.ctx, b.desired); err != nil || len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0], "did you mean test-local?") {
		t.Errorf("%+v, %v", plan, err)
	}
	if _, err := b.host.Plan(b.ctx, host.Desired{Tunnels: map[string]host.TunnelConfig{"../x": {}}}); err == nil {
		t.Error("a name that is a path")
	}
}

// A port goes from one tunnel to another in one change.
func TestPortsMoveBetweenTunnels(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "first")
	b.applied()
	b.local("b", "test-local", "second")
	b.edit("b", func(c *host.TunnelConfig) { c.Settings["listen"] = address })
	delete(b.desired.Tunnels, "a")
	b.applied()
	if _, greeting := b.connect(address); greeting != "1 second" {
		t.Errorf("%q", greeting)
	}
}

// A tunnel of a type that nobody serves starts when its plugin comes.
func TestTunnelWaitsForItsPlugin(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	address := b.local("a", "test-local", "hi")
	if plan := b.apply(); len(plan.Problems) != 1 {
		t.Errorf("%+v", plan)
	}
	b.install("tester", script{Version: "1"})
	b.applied()
	b.connect(address)
}
