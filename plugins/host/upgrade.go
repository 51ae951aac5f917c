package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"clove.i2p/plugins/host/gate"
)

// upgrade replaces the process by one of another file, or with other limits or permissions:
//
//	new process beside the old -> it describes itself, and all tunnels' settings are validated by it -> tunnels move: their listeners
//	stay in the gate -> the old one drains, and ends
//
// Until the tunnels move, an error changes nothing. After it those that moved go back, and only they drop connections.
func (p *plugin) upgrade(ctx context.Context, cfg PluginConfig) error {
	p.mu.Lock()
	retiring := p.retiring
	p.mu.Unlock()
	if retiring >= maxRetiring {
		return fmt.Errorf("plugin %s: %d older processes are still draining; try again in %v", p.name, retiring, p.host.cfg.Drain)
	}
	if state, _ := p.current(); state == PluginDetached {
		return p.upgradeDetached(ctx, cfg)
	}
	proc, d, err := p.host.bring(ctx, p.name, cfg, nil, p.book)
	if err != nil {
		return p.stays(err)
	}
	moves, err := p.prepareMoves(ctx, proc, d)
	if err == nil {
		before := p.description()
		if err = p.host.claim(p, d); err == nil {
			if err = p.move(ctx, proc, moves); err != nil && before != nil {
				_ = p.host.claim(p, before)
			}
		}
	}
	if err != nil {
		proc.end()
		return p.stays(err)
	}
	old := p.process()
	p.retry.Stop()
	p.crashes, p.backoff = nil, firstBackoff
	p.mu.Lock()
	p.cfg = cfg
	p.mu.Unlock()
	p.take(proc, d)
	p.host.cfg.Log.Info("plugin upgraded", "plugin", p.name, "version", d.version, "pid", proc.box.PID())
	for _, m := range moves {
		m.commit(d)
		p.host.cfg.Gate.CloseUnused(m.tunnel.name)
	}
	if old != nil {
		p.retire(old, moves)
	}
	p.startAll(ctx, func(s TunnelState) bool { return s != TunnelRunning && s != TunnelStopped })
	return nil
}

// upgradeDetached only tries the new file.
func (p *plugin) upgradeDetached(ctx context.Context, cfg PluginConfig) error {
	d, err := p.host.ask(ctx, launchSpec{name: p.name, cfg: cfg, book: p.book})
	if err != nil {
		return err
	}
	path, bundled, _ := p.host.locate(p.name, cfg)
	cfg.Disabled = true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg, p.desc, p.path, p.sha256, p.bundled = cfg, d, path, d.sha256, bundled
	return nil
}

func (p *plugin) stays(err error) error {
	if p.process() != nil {
		return fmt.Errorf("%w; the process that runs stays", err)
	}
	return err
}

// move is one tunnel that changes the process.
type move struct {
	tunnel   *tunnel
	settings map[string]any
	spec     gate.TunnelSpec
	raw      []byte
}

func (m move) commit(d *description) {
	t := m.tunnel
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settings, t.spec, t.typ = m.settings, m.spec, d.typ(m.spec.Type)
}

// prepareMoves checks with the new process all tunnels that run.
func (p *plugin) prepareMoves(ctx context.Context, proc *process, d *description) ([]move, error) {
	var moves []move
	var problems []error
	for _, t := range p.host.tunnelsOf(p) {
		if s, _ := t.current(); s != TunnelRunning {
			continue
		}
		settings, spec, raw, err := p.prepare(ctx, proc, d, t.name, t.config())
		if err == nil && !sameDestination(spec, t.spec) {
			err = errors.New("it needs another kind of destination; remove it before the upgrade")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("tunnel %s: %w", t.name, err))
			continue
		}
		moves = append(moves, move{t, settings, spec, raw})
	}
	return moves, errors.Join(problems...)
}

// move starts the tunnels on the new process; their listeners then are its own. After an error all are on the old one.
func (p *plugin) move(ctx context.Context, proc *process, moves []move) error {
	old := p.process()
	if old != nil {
		old.instance.Retire()
	}
	for i, m := range moves {
		err := p.host.cfg.Gate.SetTunnel(m.spec)
		if err == nil {
			err = p.begin(ctx, proc, m.spec, m.raw)
		}
		if err == nil {
			continue
		}
		for _, back := range moves[:i+1] {
			p.moveBack(ctx, old, proc, back)
		}
		return fmt.Errorf("tunnel %s: %w", m.tunnel.name, err)
	}
	return nil
}

// moveBack starts a tunnel anew on the old process, whose listeners the new one has taken.
func (p *plugin) moveBack(ctx context.Context, old, proc *process, m move) {
	proc.instance.Detach(m.tunnel.name)
	if old == nil {
		return
	}
	_ = old.stopTunnel(ctx, m.tunnel.name)
	old.instance.Detach(m.tunnel.name)
	_ = p.startOn(ctx, old, m.tunnel)
}

// retire lets the connections of an old process end, and then ends it.
func (p *plugin) retire(old *process, moves []move) {
	p.mu.Lock()
	p.retiring++
	p.mu.Unlock()
	life := p.host.life
	p.host.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(life, p.host.cfg.Drain+drainGrace+stopTimeout)
		defer cancel()
		var running sync.WaitGroup
		for _, m := range moves {
			running.Go(func() { p.release(ctx, old, m.tunnel.name, p.host.cfg.Drain) })
		}
		drained := make(chan struct{})
		go func() { running.Wait(); close(drained) }()
		select {
		case <-drained:
		case <-old.box.Done():
			cancel()
			<-drained
		}
		old.end()
		p.mu.Lock()
		p.retiring--
		p.mu.Unlock()
	})
}

// detach drains all tunnels and ends the process. The plugin stays registered.
func (p *plugin) detach(ctx context.Context) error {
	p.retry.Stop()
	why := fmt.Sprintf("plugin %s is detached; clove plugin attach %s", p.name, p.name)
	p.each(p.host.tunnelsOf(p), func(t *tunnel) {
		if t.config().Enabled {
			p.stopTunnel(ctx, t, p.host.cfg.Drain, why)
		}
	})
	p.endProcess()
	p.host.mu.Lock()
	p.host.disclaim(p)
	p.host.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Disabled, p.state, p.err = true, PluginDetached, ""
	return nil
}

// attach starts a plugin that was detached, with its tunnels.
func (p *plugin) attach(ctx context.Context, cfg PluginConfig) error {
	p.mu.Lock()
	p.cfg, p.desc = cfg, nil
	p.mu.Unlock()
	p.crashes, p.backoff = nil, firstBackoff
	p.setState(PluginIdle, "")
	if err := p.learn(ctx); err != nil {
		return err
	}
	all := p.host.tunnelsOf(p)
	for _, t := range all {
		if t.config().Enabled {
			if _, err := p.need(ctx); err != nil {
				return err
			}
			break
		}
	}
	p.each(all, func(t *tunnel) {
		if t.config().Enabled {
			_ = p.startTunnel(ctx, t)
		}
	})
	return nil
}
