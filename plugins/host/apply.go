package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	h.removePlugins(gone)
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

// applyPlugins adds and changes plugins, all at once, and returns those that are to go when no tunnel has them any more. Bundled
// ones are asked first what they are: no other can take their tunnel types, and with them settings and passwords.
func (h *Host) applyPlugins(ctx context.Context, want map[string]PluginConfig, r *record) (gone []*plugin) {
	var bundled, others []func()
	h.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		cfg := want[name]
		p := h.plugins[name]
		step := func() { r.problem(p.applyConfig(ctx, cfg, r)) }
		if p == nil {
			p = h.newPlugin(name, cfg)
			h.plugins[name] = p
			r.note(func(plan *Plan) { plan.PluginsAdded = append(plan.PluginsAdded, name) })
			step = func() { r.problem(p.do(ctx, p.learn)) }
			if cfg.Disabled {
				continue
			}
		}
		if _, ours, err := h.locate(name, cfg); err == nil && ours {
			bundled = append(bundled, step)
		} else {
			others = append(others, step)
		}
	}
	for name, p := range h.plugins {
		if _, ok := want[name]; !ok {
			gone = append(gone, p)
			r.note(func(plan *Plan) { plan.PluginsRemoved = append(plan.PluginsRemoved, name) })
		}
	}
	h.mu.Unlock()
	for _, steps := range [][]func(){bundled, others} {
		var running sync.WaitGroup
		for _, step := range steps {
			running.Go(step)
		}
		running.Wait()
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
func (h *Host) removePlugins(gone []*plugin) {
	for _, p := range gone {
		p.quit()
		<-p.gone
		h.mu.Lock()
		h.disclaim(p)
		delete(h.plugins, p.name)
		h.mu.Unlock()
	}
}
