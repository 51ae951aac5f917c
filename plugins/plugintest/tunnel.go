package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/settings"
	"clove.i2p/plugins/sdk"
)

// Tunnel is a tunnel that runs.
type Tunnel struct {
	t    testing.TB
	host *Host
	name string
	typ  *pb.TunnelType

	mu      sync.Mutex
	process *process
	stopped bool
}

// Start runs a tunnel of a type of the plugin. The settings are as in a configuration file; defaults are filled in. Problems with
// the plugin, the settings or the start fail the test. Each tunnel has a plugin program of its own. The tunnel's name is that of
// its type, with a number from the second on.
func (h *Host) Start(p sdk.Plugin, typ string, settings map[string]any) *Tunnel {
	h.t.Helper()
	t, err := h.start(p, typ, settings)
	if err != nil {
		h.t.Fatalf("plugintest: start %s: %v", typ, err)
	}
	return t
}

// StartErr is Start for a tunnel that must not start: it returns why. It fails the test if the tunnel starts.
func (h *Host) StartErr(p sdk.Plugin, typ string, settings map[string]any) error {
	h.t.Helper()
	_, err := h.start(p, typ, settings)
	if err == nil {
		h.t.Fatalf("plugintest: %s has started", typ)
	}
	return err
}

// Problems are what the plugin finds wrong with settings. Settings that the host itself would refuse fail the test.
func (h *Host) Problems(p sdk.Plugin, typ string, values map[string]any) []sdk.Problem {
	h.t.Helper()
	proc, err := h.launch(p)
	if err != nil {
		h.t.Fatalf("plugintest: %v", err)
	}
	defer proc.end()
	described, err := typeOf(proc.description, typ)
	if err != nil {
		h.t.Fatalf("plugintest: %v", err)
	}
	_, raw, err := prepare(described, values)
	if err != nil {
		h.t.Fatalf("plugintest: %v", err)
	}
	problems, err := proc.validate(typ, raw)
	if err != nil {
		h.t.Fatalf("plugintest: %v", err)
	}
	return problems
}

func (h *Host) start(p sdk.Plugin, typ string, values map[string]any) (*Tunnel, error) {
	proc, err := h.launch(p)
	if err != nil {
		return nil, err
	}
	described, err := typeOf(proc.description, typ)
	if err != nil {
		proc.end()
		return nil, err
	}
	t := &Tunnel{t: h.t, host: h, name: h.nameFor(typ), typ: described, process: proc}
	if err := t.run(values); err != nil {
		proc.end()
		h.gate.RemoveTunnel(t.name)
		return nil, err
	}
	h.t.Cleanup(func() {
		t.current().end()
		h.gate.RemoveTunnel(t.name)
	})
	return t, nil
}

func typeOf(d *pb.Description, typ string) (*pb.TunnelType, error) {
	i := slices.IndexFunc(d.Types, func(t *pb.TunnelType) bool { return t.Name == typ })
	if i < 0 {
		return nil, fmt.Errorf("plugin %s has no tunnel type %q", d.Name, typ)
	}
	return d.Types[i], nil
}

// prepare is what the host does with settings.
func prepare(typ *pb.TunnelType, values map[string]any) (map[string]any, []byte, error) {
	normal, err := settings.Normalize(typ.Settings, values)
	if err != nil {
		return nil, nil, err
	}
	raw, err := json.Marshal(normal)
	return normal, raw, err
}

func (t *Tunnel) spec(values map[string]any) (gate.TunnelSpec, error) {
	grants, err := gate.GrantsOf(t.typ.Settings, values)
	if err != nil {
		return gate.TunnelSpec{}, err
	}
	spec := gate.TunnelSpec{Name: t.name, Type: t.typ.Name, Destination: t.typ.Destination, Grants: grants}
	if t.typ.Destination == pb.DestinationKind_SERVER {
		spec.Published = true
		spec.KeyFile = t.name + ".keys"
	}
	for _, s := range t.typ.Settings {
		if on, _ := values[s.Key].(bool); s.Publish && on {
			spec.Published = true
		}
	}
	return spec, nil
}

func (t *Tunnel) run(values map[string]any) error {
	normal, raw, err := prepare(t.typ, values)
	if err != nil {
		return err
	}
	spec, err := t.spec(normal)
	if err != nil {
		return err
	}
	if err := t.host.gate.SetTunnel(spec); err != nil {
		return err
	}
	return t.process.start(t.name, t.typ.Name, raw)
}

func (t *Tunnel) current() *process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.process
}

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
	return t.drain(d, nil)
}

// drain waits for connections of the gate too: those in of, or all.
func (t *Tunnel) drain(d time.Duration, of map[uint64]bool) int {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d+patience)
	defer cancel()
	r, err := t.current().client.Drain(ctx, &pb.DrainRequest{Tunnel: t.name, DeadlineMs: d.Milliseconds()})
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
	proc, err := t.host.launch(p)
	if err != nil {
		t.t.Fatalf("plugintest: upgrade %s: %v", t.name, err)
	}
	old := t.current()
	_, raw, err := prepare(t.typ, values)
	if err != nil {
		t.t.Fatalf("plugintest: upgrade %s: %v", t.name, err)
	}
	before := t.connections()
	old.instance.Retire()
	if err := proc.start(t.name, t.typ.Name, raw); err != nil {
		proc.end()
		t.t.Fatalf("plugintest: upgrade %s: %v", t.name, err)
	}
	t.host.gate.CloseUnused(t.name)
	left := t.drain(d, before)
	t.mu.Lock()
	t.process = proc
	t.mu.Unlock()
	old.end()
	return left
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

// Kill ends the tunnel's plugin program without a word, as a crash does. The tunnel's listeners stay.
func (t *Tunnel) Kill() { t.current().end() }

func statusText(err error) error { return api.FromStatus(err) }
