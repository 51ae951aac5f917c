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

// Apply makes desired true, touching only what changes. What cannot be done is in Plan.Problems and in the state of the plugin or
// tunnel; the rest is done. The error is for a Desired that makes no sense as a whole: then nothing has changed.
//
// A tunnel that runs goes on as it was if its new settings are not right.
func (h *Host) Apply(ctx context.Context, desired Desired) (Plan, error) {
	if err := check(desired); err != nil {
		return Plan{}, err
	}
	if _, err := h.running(ctx); err != nil {
		return Plan{}, err
	}
	h.admin.Lock()
	defer h.admin.Unlock()
	ctx = context.WithoutCancel(ctx) // half of it is worse than all; each step has a deadline
	r := &record{}
	gone := h.applyPlugins(ctx, h.effective(desired), r)
	h.applyTunnels(ctx, desired.Tunnels, r)
	h.removePlugins(gone, r)
	h.mu.Lock()
	h.desired = desired
	h.mu.Unlock()
	return r.finish(), nil
}

// check is for what no plugin has to be asked for.
func check(desired Desired) error {
	var errs []error
	for name, cfg := range desired.Plugins {
		if err := checkName(name); err != nil {
			errs = append(errs, fmt.Errorf("plugins: %w", err))
		}
		if _, err := grant(name, cfg, false, nil); err != nil {
			errs = append(errs, err)
		}
		if cfg.Files < 0 {
			errs = append(errs, fmt.Errorf("plugins.%s.files: %d; write a number of descriptors, or 0 for the default", name, cfg.Files))
		}
	}
	for name, cfg := range desired.Tunnels {
		if err := checkName(name); err != nil {
			errs = append(errs, fmt.Errorf("tunnels: %w", err))
		}
		if cfg.MaxConnections < 0 {
			errs = append(errs, fmt.Errorf("tunnels.%s.max_connections: %d; write how many, or 0 for the default", name, cfg.MaxConnections))
		}
	}
	return errors.Join(errs...)
}

// record collects a Plan from several goroutines.
type record struct {
	mu   sync.Mutex
	plan Plan
}

func (r *record) note(f func(*Plan)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.plan)
}

func (r *record) problem(err error) {
	if err != nil {
		r.note(func(p *Plan) { p.Problems = append(p.Problems, err.Error()) })
	}
}

// finish sorts.
func (r *record) finish() Plan {
	p := r.plan
	for _, s := range [][]string{p.PluginsAdded, p.PluginsRemoved, p.PluginsChanged, p.Added, p.Reloaded, p.Problems} {
		slices.Sort(s)
	}
	byName := func(a, b Drop) int {
		if a.Tunnel < b.Tunnel {
			return -1
		}
		return 1
	}
	slices.SortFunc(p.Removed, byName)
	slices.SortFunc(p.Restarted, byName)
	p.Problems = slices.Compact(p.Problems)
	return p
}

// applyPlugins adds and changes plugins, all at once, and returns those that are to go when no tunnel has them any more.
func (h *Host) applyPlugins(ctx context.Context, want map[string]PluginConfig, r *record) (gone []*plugin) {
	var running sync.WaitGroup
	defer running.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		cfg := want[name]
		p := h.plugins[name]
		if p == nil {
			p = h.newPlugin(name, cfg)
			h.plugins[name] = p
			r.note(func(plan *Plan) { plan.PluginsAdded = append(plan.PluginsAdded, name) })
			if !cfg.Disabled {
				running.Go(func() { r.problem(p.do(ctx, p.learn)) })
			}
			continue
		}
		running.Go(func() { r.problem(p.applyConfig(ctx, cfg, r)) })
	}
	for name, p := range h.plugins {
		if _, ok := want[name]; !ok {
			gone = append(gone, p)
			r.note(func(plan *Plan) { plan.PluginsRemoved = append(plan.PluginsRemoved, name) })
		}
	}
	return gone
}

// applyConfig gives a plugin another registration.
func (p *plugin) applyConfig(ctx context.Context, cfg PluginConfig, r *record) error {
	return p.do(ctx, func(ctx context.Context) error {
		now := p.config()
		if samePlugin(now, cfg) {
			return nil
		}
		r.note(func(plan *Plan) { plan.PluginsChanged = append(plan.PluginsChanged, p.name) })
		switch {
		case cfg.Disabled:
			p.mu.Lock()
			p.cfg = cfg
			p.mu.Unlock()
			if now.Disabled {
				return nil
			}
			return p.detach(ctx)
		case now.Disabled:
			return p.attach(ctx, cfg)
		}
		if state, _ := p.current(); state == PluginFailed || state == PluginIdle {
			return p.attach(ctx, cfg)
		}
		return p.upgrade(ctx, cfg)
	})
}

func samePlugin(a, b PluginConfig) bool {
	return a.Path == b.Path && a.SHA256 == b.SHA256 && slices.Equal(a.Permissions, b.Permissions) && (a.Permissions == nil) == (b.Permissions == nil) &&
		a.Memory == b.Memory && a.Files == b.Files && a.Disabled == b.Disabled
}

// removePlugins ends plugins that are not registered any more.
func (h *Host) removePlugins(gone []*plugin, _ *record) {
	for _, p := range gone {
		p.quit()
		<-p.gone
		h.mu.Lock()
		h.disclaim(p)
		delete(h.plugins, p.name)
		h.mu.Unlock()
	}
}

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
