package host

import (
	"context"
	"reflect"

	"clove.i2p/plugins/host/gate"
)

// changed is what became of a tunnel whose configuration changed.
type changed int

const (
	changedNothing changed = iota
	changedInPlace
	changedByRestart
)

// changeTunnel gives a tunnel another configuration of the same type. If that is not right, the tunnel goes on as it was.
func (p *plugin) changeTunnel(ctx context.Context, t *tunnel, cfg TunnelConfig) (changed, error) {
	before := t.config()
	state, _ := t.current()
	switch {
	case !cfg.Enabled:
		t.setConfig(cfg)
		if before.Enabled {
			p.stopTunnel(ctx, t, p.host.cfg.Drain, "")
			return changedByRestart, nil
		}
		return changedNothing, nil
	case state != TunnelRunning:
		t.setConfig(cfg)
		return changedByRestart, p.startTunnel(ctx, t)
	}
	proc := p.process()
	if proc == nil { // it has just ended
		t.setConfig(cfg)
		return changedByRestart, nil
	}
	settings, spec, raw, err := p.prepare(ctx, proc, p.description(), t.name, cfg)
	if err != nil {
		return changedNothing, err
	}
	t.mu.Lock()
	oldSettings, oldSpec := t.settings, t.spec
	t.mu.Unlock()
	same := reflect.DeepEqual(settings, oldSettings)
	if sameDestination(spec, oldSpec) {
		switch {
		case same && reflect.DeepEqual(spec, oldSpec):
			t.setConfig(cfg)
			return changedNothing, nil
		case p.inPlace(ctx, proc, spec, raw, same):
			t.mu.Lock()
			t.cfg, t.settings, t.spec = cfg, settings, spec
			t.mu.Unlock()
			return changedInPlace, nil
		}
	}
	p.stopTunnel(ctx, t, min(restartDrain, p.host.cfg.Drain), "restarts with other settings")
	t.setConfig(cfg)
	return changedByRestart, p.startTunnel(ctx, t)
}

// inPlace changes a tunnel without dropping a connection, if the plugin can.
func (p *plugin) inPlace(ctx context.Context, proc *process, spec gate.TunnelSpec, raw []byte, onlyLimits bool) bool {
	if p.host.cfg.Gate.SetTunnel(spec) != nil {
		return false
	}
	if onlyLimits {
		return true
	}
	applied, err := proc.reload(ctx, spec.Name, raw)
	if err != nil || !applied {
		return false
	}
	p.host.cfg.Gate.CloseUnused(spec.Name)
	return true
}

func sameDestination(a, b gate.TunnelSpec) bool {
	return a.Destination == b.Destination && a.Published == b.Published && a.KeyFile == b.KeyFile && a.Length == b.Length && a.Quantity == b.Quantity
}
