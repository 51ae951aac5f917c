package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// tunnel is one of the configuration. It is changed by the loop of its plugin, or without a plugin by the change that is applied.
type tunnel struct {
	name string

	mu         sync.Mutex
	cfg        TunnelConfig
	plugin     *plugin // nil: nobody serves the type
	typ        *pb.TunnelType
	settings   map[string]any // normalized, as its plugin has them
	spec       gate.TunnelSpec
	state      TunnelState
	err        string
	since      time.Time
	health     string
	healthText string
}

func (t *tunnel) config() TunnelConfig {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfg
}

func (t *tunnel) setConfig(cfg TunnelConfig) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cfg = cfg
}

func (t *tunnel) owner() *plugin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.plugin
}

func (t *tunnel) set(s TunnelState, err string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != s {
		t.since = time.Now()
	}
	t.state, t.err = s, printable(err, 6*maxErrorText)
	if s != TunnelRunning {
		t.health, t.healthText = "", ""
	}
}

func (t *tunnel) current() (TunnelState, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.err
}

func (t *tunnel) setHealth(s pb.HealthState, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health, t.healthText = strings.ToLower(s.String()), text
}

// tunnelsOf lists a plugin's tunnels by name.
func (h *Host) tunnelsOf(p *plugin) []*tunnel {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*tunnel
	for _, name := range slices.Sorted(maps.Keys(h.tunnels)) {
		if t := h.tunnels[name]; t.owner() == p {
			all = append(all, t)
		}
	}
	return all
}

// each calls f for tunnels, some at a time.
func (p *plugin) each(all []*tunnel, f func(*tunnel)) {
	var running sync.WaitGroup
	slots := make(chan struct{}, starting)
	for _, t := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			f(t)
		})
	}
	running.Wait()
}

// startAll starts the enabled tunnels whose state is as wanted.
func (p *plugin) startAll(ctx context.Context, want func(TunnelState) bool) {
	proc := p.process()
	p.each(p.host.tunnelsOf(p), func(t *tunnel) {
		if s, _ := t.current(); t.config().Enabled && want(s) {
			_ = p.startOn(ctx, proc, t)
		}
	})
}

// startTunnel starts one, and the process if need be. The error is also the tunnel's.
func (p *plugin) startTunnel(ctx context.Context, t *tunnel) error {
	proc, err := p.need(ctx)
	switch {
	case errors.Is(err, errNotNow):
		_, why := p.current()
		t.set(TunnelWaiting, why)
		return nil
	case err != nil:
		state, _ := p.current()
		if state == PluginDetached {
			t.set(TunnelStopped, err.Error())
			return nil
		}
		t.set(TunnelFailed, err.Error())
		return err
	}
	return p.startOn(ctx, proc, t)
}

// startOn starts a tunnel on a process. One that was there before the process, after a crash, keeps what it has in the gate.
func (p *plugin) startOn(ctx context.Context, proc *process, t *tunnel) error {
	t.set(TunnelStarting, "")
	settings, spec, raw, err := p.prepare(ctx, proc, p.description(), t.name, t.config())
	if err == nil {
		err = p.open(ctx, spec)
	}
	if err == nil {
		t.mu.Lock()
		t.settings, t.spec, t.typ = settings, spec, p.description().typ(spec.Type)
		t.mu.Unlock()
		err = p.begin(ctx, proc, spec, raw)
	}
	select {
	case <-proc.box.Done():
		if err != nil { // the loop sees it next, and the tunnel is started again
			t.set(TunnelWaiting, err.Error())
			return nil
		}
	default:
	}
	if err != nil {
		p.host.cfg.Gate.RemoveTunnel(t.name)
		t.set(TunnelFailed, err.Error())
		// The error may quote settings, and so destinations: clove tunnel show has it.
		p.host.cfg.Log.Error("tunnel failed: clove tunnel show tells why", "tunnel", t.name, "type", spec.Type)
		return err
	}
	p.host.cfg.Gate.CloseUnused(t.name)
	t.set(TunnelRunning, "")
	return nil
}

// prepare checks a configuration, also with the plugin, and changes nothing.
func (p *plugin) prepare(ctx context.Context, proc *process, d *description, name string, cfg TunnelConfig) (settings map[string]any, spec gate.TunnelSpec, raw []byte, err error) {
	typ := d.typ(cfg.Type)
	spec.Type = cfg.Type
	if typ == nil {
		return nil, spec, nil, fmt.Errorf("plugin %s %s has no tunnel type %s", p.name, d.version, cfg.Type)
	}
	if settings, err = Settings(typ, cfg.Settings); err != nil {
		return nil, spec, nil, err
	}
	if raw, err = encode(settings); err != nil {
		return nil, spec, nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if spec, err = p.host.gateSpec(name, cfg, typ, settings); err != nil {
		return nil, spec, nil, err
	}
	if proc == nil {
		return settings, spec, raw, nil
	}
	problems, err := proc.validate(ctx, cfg.Type, raw)
	if errors.Is(err, errUnimplemented) {
		err = nil
	}
	if err == nil && len(problems) > 0 {
		err = settingsError(problems)
	}
	return settings, spec, raw, err
}

// gateSpec is what the gate has to know of a tunnel.
func (h *Host) gateSpec(name string, cfg TunnelConfig, typ *pb.TunnelType, settings map[string]any) (gate.TunnelSpec, error) {
	s := gate.TunnelSpec{
		Name: name, Type: cfg.Type, Destination: typ.GetDestination(), Published: typ.GetDestination() == pb.DestinationKind_SERVER,
		Length: cfg.Length, Quantity: cfg.Quantity, MaxConnections: cfg.MaxConnections,
	}
	for _, setting := range typ.GetSettings() {
		if on, _ := settings[setting.GetKey()].(bool); on && setting.GetPublish() && s.Destination == pb.DestinationKind_CLIENT {
			s.Published = true
		}
	}
	folder := filepath.Join(h.cfg.DataDir, "tunnels")
	switch {
	case s.Destination == pb.DestinationKind_NONE:
		s.Published = false
	case filepath.IsAbs(cfg.KeyFile):
		s.KeyFile = cfg.KeyFile
	case cfg.KeyFile != "":
		s.KeyFile = filepath.Join(folder, cfg.KeyFile)
	case s.Destination == pb.DestinationKind_SERVER && h.cfg.DataDir != "":
		s.KeyFile = filepath.Join(folder, name+".keys")
	}
	var err error
	if s.Grants, err = gate.GrantsOf(typ.GetSettings(), settings); err != nil {
		return s, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return s, nil
}

// open makes or changes the tunnel in the gate, and opens its destination, so that its address is known and its I2P tunnels are
// built before the first connection.
func (p *plugin) open(ctx context.Context, spec gate.TunnelSpec) error {
	if strings.HasPrefix(spec.KeyFile, p.host.cfg.DataDir) && spec.KeyFile != "" {
		if err := os.MkdirAll(filepath.Dir(spec.KeyFile), 0o700); err != nil {
			return err
		}
	}
	err := p.host.cfg.Gate.SetTunnel(spec)
	if errors.Is(err, api.ErrInUse) { // it waits with another destination
		p.host.cfg.Gate.RemoveTunnel(spec.Name)
		err = p.host.cfg.Gate.SetTunnel(spec)
	}
	if err != nil || spec.Destination == pb.DestinationKind_NONE {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, addressTimeout)
	defer cancel()
	_, err = p.host.cfg.Gate.Address(ctx, spec.Name)
	return err
}

// begin has a process serve a tunnel.
func (p *plugin) begin(ctx context.Context, proc *process, spec gate.TunnelSpec, raw []byte) error {
	if err := proc.instance.Attach(spec.Name); err != nil {
		return err
	}
	err := proc.start(ctx, spec.Name, spec.Type, raw)
	// A process that is just being started holds all descriptors of clove until it executes, also those of listeners that were
	// closed meanwhile.
	for try := 0; errors.Is(err, api.ErrInUse) && try < inUseTries && ctx.Err() == nil; try++ {
		select {
		case <-time.After(inUsePause):
		case <-ctx.Done():
		}
		err = proc.start(ctx, spec.Name, spec.Type, raw)
	}
	if err != nil {
		if errors.Is(err, api.ErrNoAnswer) {
			_ = proc.stopTunnel(ctx, spec.Name)
		}
		proc.instance.Detach(spec.Name)
	}
	return err
}

// stopTunnel drains and stops a tunnel; nothing of it is left in the gate.
func (p *plugin) stopTunnel(ctx context.Context, t *tunnel, drain time.Duration, why string) {
	if s, _ := t.current(); s == TunnelRunning || s == TunnelStarting {
		t.set(TunnelDraining, why)
		if proc := p.process(); proc != nil {
			p.release(ctx, proc, t.name, drain)
		}
	}
	p.host.cfg.Gate.RemoveTunnel(t.name)
	t.set(TunnelStopped, why)
}

// release ends a tunnel on a process: connections that are open go on until the deadline. What a plugin wrote before it closed a
// connection may still be in the gate when Drain returns; it has until the deadline, too, and is then cut before Stop ends it in
// what would look like good order.
func (p *plugin) release(ctx context.Context, proc *process, name string, drain time.Duration) {
	warn := func(err error) {
		if err != nil && !errors.Is(err, errUnimplemented) && ctx.Err() == nil {
			p.host.cfg.Log.Warn("stop a tunnel", "tunnel", name, "err", err)
		}
	}
	until, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	err := proc.drain(ctx, name, drain)
	warn(err)
	if !errors.Is(err, errUnimplemented) {
		if left := proc.instance.Quiet(until, name); left > 0 {
			p.host.cfg.Log.Info("connections are cut: they did not end in time", "tunnel", name, "connections", left, "time", drain)
			proc.instance.Cut(name)
		}
	}
	warn(proc.stopTunnel(ctx, name))
	proc.instance.Detach(name)
}
