package plugintest

import (
	"context"
	"net"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/sdk"
)

// Name of the tunnel, to Dial it from outside.
func (t *Tunnel) Name() string { return t.name }

// Address is the .b32.i2p name of the tunnel's destination.
func (t *Tunnel) Address() string {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := t.host.gate.Address(ctx, t.name)
	if err != nil {
		t.t.Fatalf("plugintest: address of %s: %v", t.name, err)
	}
	return a.Base32
}

// LocalAddress is what the tunnel has bound on this machine; with several listeners the first. For settings with port 0.
func (t *Tunnel) LocalAddress() string {
	t.t.Helper()
	status, _ := t.host.gate.Tunnel(t.name)
	for _, l := range status.Listeners {
		if l.Kind == "local" {
			return l.Address
		}
	}
	t.t.Fatalf("plugintest: %s listens on no local address", t.name)
	return ""
}

// Status is what the gate knows of the tunnel.
func (t *Tunnel) Status() gate.TunnelStatus {
	s, _ := t.host.gate.Tunnel(t.name)
	return s
}

// Drain asks the tunnel to end within d, and returns how many connections are open then.
func (t *Tunnel) Drain(d time.Duration) int {
	t.t.Helper()
	return t.drain(t.current(), d, nil)
}

// drain waits for connections of the gate too: those in of, or all.
func (t *Tunnel) drain(p *process, d time.Duration, of map[uint64]bool) int {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d+patience)
	defer cancel()
	r, err := p.client.Drain(ctx, &pb.DrainRequest{Tunnel: t.name, DeadlineMs: d.Milliseconds()})
	if err != nil {
		t.t.Fatalf("plugintest: drain %s: %v", t.name, err)
	}
	if r.Open == 0 {
		if of == nil {
			of = t.connections()
		}
		t.flush(ctx, of)
	}
	return int(r.Open)
}

// connections are the ids of those that are open in the gate.
func (t *Tunnel) connections() map[uint64]bool {
	ids := map[uint64]bool{}
	for _, c := range t.host.gate.Connections(t.name) {
		if c.Kind != "packets" && c.State == "open" {
			ids[c.ID] = true
		}
	}
	return ids
}

// flush waits until connections have ended: what the plugin wrote last may still be on its way through the gate when the plugin has
// closed them.
func (t *Tunnel) flush(ctx context.Context, ids map[uint64]bool) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		left := false
		for id := range t.connections() {
			left = left || ids[id]
		}
		if !left {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Stop ends the tunnel and its connections. The destination goes with it.
func (t *Tunnel) Stop() {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := t.current().client.Stop(ctx, &pb.StopRequest{Tunnel: t.name}); err != nil {
		t.t.Errorf("plugintest: stop %s: %v", t.name, err)
	}
	t.host.gate.RemoveTunnel(t.name)
}

// Reload gives the tunnel new settings and says whether it took them without a restart. If it did not, nothing has changed.
func (t *Tunnel) Reload(values map[string]any) bool {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	normal, raw, err := prepare(t.typ, values)
	if err != nil {
		t.t.Fatalf("plugintest: reload %s: %v", t.name, err)
	}
	spec, err := t.spec(normal)
	if err != nil {
		t.t.Fatalf("plugintest: reload %s: %v", t.name, err)
	}
	if err := t.host.gate.SetTunnel(spec); err != nil {
		t.t.Fatalf("plugintest: reload %s: %v", t.name, err)
	}
	r, err := t.current().client.Reload(ctx, &pb.ReloadRequest{Tunnel: t.name, Settings: raw})
	if err != nil {
		t.t.Fatalf("plugintest: reload %s: %v", t.name, err)
	}
	return r.Applied
}

// Upgrade moves the tunnel to a new program of the plugin, as clove does when a plugin is upgraded: the new one starts, then the
// old one drains within d. Listeners and destination stay. It returns how many connections the old one had left.
func (t *Tunnel) Upgrade(p sdk.Plugin, values map[string]any, d time.Duration) int {
	t.t.Helper()
	before := t.connections()
	old := t.current()
	old.instance.Retire()
	t.replace(p, values)
	left := t.drain(old, d, before)
	old.end()
	return left
}

// Kill ends the tunnel's plugin program without a word, as a crash does. The tunnel's listeners stay, and what comes waits for Restart.
func (t *Tunnel) Kill() { t.current().end() }

// Restart gives the tunnel a new program after Kill.
func (t *Tunnel) Restart(p sdk.Plugin, values map[string]any) {
	t.t.Helper()
	t.current().end()
	t.replace(p, values)
}

// replace starts a new program for the tunnel.
func (t *Tunnel) replace(p sdk.Plugin, values map[string]any) {
	t.t.Helper()
	_, raw, err := prepare(t.typ, values)
	if err != nil {
		t.t.Fatalf("plugintest: %s again: %v", t.name, err)
	}
	proc, err := t.host.launch(p)
	if err != nil {
		t.t.Fatalf("plugintest: %s again: %v", t.name, err)
	}
	if err := proc.start(t.name, t.typ.Name, raw); err != nil {
		proc.end()
		t.t.Fatalf("plugintest: %s again: %v", t.name, err)
	}
	t.host.gate.CloseUnused(t.name)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.process = proc
}

// Metrics are the tunnel's counters and gauges.
func (t *Tunnel) Metrics() map[string]float64 {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := t.current().client.Metrics(ctx, &pb.MetricsRequest{Tunnel: t.name})
	if err != nil {
		t.t.Fatalf("plugintest: metrics of %s: %v", t.name, err)
	}
	m := map[string]float64{}
	for _, metric := range r.Metrics {
		m[metric.Name] = metric.Value
	}
	return m
}

// Health is how the tunnel says it is.
func (t *Tunnel) Health() (sdk.HealthState, string) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := t.current().client.Health(ctx, &pb.HealthRequest{Tunnel: t.name})
	if err != nil {
		t.t.Fatalf("plugintest: health of %s: %v", t.name, err)
	}
	return r.State, r.Text
}

// Service opens a stream to a service that the tunnel provides, as clove's proxies do. A failure fails the test; see ServiceErr.
func (t *Tunnel) Service(ctx context.Context, service, isolation string) net.Conn {
	t.t.Helper()
	c, err := t.ServiceErr(ctx, service, isolation)
	if err != nil {
		t.t.Fatalf("plugintest: service %s of %s: %v", service, t.name, err)
	}
	return c
}

// ServiceErr is Service with its error.
func (t *Tunnel) ServiceErr(ctx context.Context, service, isolation string) (net.Conn, error) {
	return t.host.gate.DialService(ctx, t.name, service, isolation)
}
