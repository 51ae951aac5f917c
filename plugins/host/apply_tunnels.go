package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// applyTunnels removes first, so that what is added can have the ports.
func (h *Host) applyTunnels(ctx context.Context, want map[string]TunnelConfig, r *record) {
	h.mu.Lock()
	have := maps.Clone(h.tunnels)
	h.mu.Unlock()
	var add []string
	var change []*tunnel
	var removing sync.WaitGroup
	for name, t := range have {
		cfg, ok := want[name]
		switch {
		case !ok || cfg.Type != t.config().Type || h.moved(t):
			drop := Drop{Tunnel: name, Connections: h.connections(name)}
			if ok {
				drop.Why = "another type or plugin"
				add = append(add, name)
				r.note(func(p *Plan) { p.Restarted = append(p.Restarted, drop) })
			} else {
				r.note(func(p *Plan) { p.Removed = append(p.Removed, drop) })
			}
			removing.Go(func() { h.removeTunnel(ctx, t) })
		case reflect.DeepEqual(cfg, t.config()):
			r.note(func(p *Plan) { p.Unchanged++ })
		default:
			change = append(change, t)
		}
	}
	removing.Wait()
	for name := range want {
		if have[name] == nil {
			add = append(add, name)
			r.note(func(p *Plan) { p.Added = append(p.Added, name) })
		}
	}
	slices.Sort(add)
	var running sync.WaitGroup
	for _, t := range change {
		running.Go(func() { h.applyChange(ctx, t, want[t.name], r) })
	}
	for p, all := range h.newTunnels(add, want, r) {
		running.Go(func() { p.applyAdded(ctx, all, r) })
	}
	running.Wait()
}

// moved reports whether another plugin serves the type of a tunnel by now, or the first.
func (h *Host) moved(t *tunnel) bool {
	p, _, err := h.serving(t.config().Type)
	return err == nil && p != t.owner()
}

func (h *Host) connections(tunnel string) int {
	s, _ := h.cfg.Gate.Tunnel(tunnel)
	return s.Open
}

func (h *Host) removeTunnel(ctx context.Context, t *tunnel) {
	if p := t.owner(); p != nil {
		_ = p.do(ctx, func(ctx context.Context) error {
			p.stopTunnel(ctx, t, h.cfg.Drain, "")
			return nil
		})
	}
	h.cfg.Gate.RemoveTunnel(t.name)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.tunnels, t.name)
}

// applyChange changes one tunnel that keeps its type and plugin.
func (h *Host) applyChange(ctx context.Context, t *tunnel, cfg TunnelConfig, r *record) {
	p := t.owner()
	drop := Drop{Tunnel: t.name, Connections: h.connections(t.name)}
	if p == nil {
		t.setConfig(cfg)
		return
	}
	var what changed
	err := p.do(ctx, func(ctx context.Context) (err error) {
		what, err = p.changeTunnel(ctx, t, cfg)
		return err
	})
	if err != nil {
		r.problem(fmt.Errorf("tunnel %s: %w", t.name, err))
	}
	r.note(func(p *Plan) {
		switch what {
		case changedNothing:
			p.Unchanged++
		case changedInPlace:
			p.Reloaded = append(p.Reloaded, t.name)
		case changedByRestart:
			p.Restarted = append(p.Restarted, drop)
		}
	})
}

// newTunnels makes the tunnels to be added, by the plugin that serves them.
func (h *Host) newTunnels(names []string, want map[string]TunnelConfig, r *record) map[*plugin][]*tunnel {
	by := map[*plugin][]*tunnel{}
	for _, name := range names {
		cfg := want[name]
		t := &tunnel{name: name, cfg: cfg, state: TunnelStopped}
		p, typ, err := h.serving(cfg.Type)
		if err != nil {
			t.set(TunnelFailed, err.Error())
			r.problem(fmt.Errorf("tunnel %s: %w", name, err))
		} else {
			t.plugin, t.typ = p, typ
			by[p] = append(by[p], t)
		}
		h.mu.Lock()
		h.tunnels[name] = t
		h.mu.Unlock()
	}
	return by
}

// applyAdded starts the new tunnels of one plugin.
func (p *plugin) applyAdded(ctx context.Context, all []*tunnel, r *record) {
	all = slices.DeleteFunc(slices.Clone(all), func(t *tunnel) bool { return !t.config().Enabled })
	if len(all) == 0 {
		return
	}
	r.problem(p.do(ctx, func(ctx context.Context) error {
		if _, err := p.need(ctx); err != nil && !errors.Is(err, errNotNow) {
			for _, t := range all {
				_ = p.startTunnel(ctx, t)
			}
			return err
		}
		p.each(all, func(t *tunnel) {
			if err := p.startTunnel(ctx, t); err != nil {
				r.problem(fmt.Errorf("tunnel %s: %w", t.name, err))
			}
		})
		return nil
	}))
}
