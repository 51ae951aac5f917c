package plugintest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

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
	normal, err := settings.Normalize(typ, values)
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

func statusText(err error) error { return api.FromStatus(err) }
