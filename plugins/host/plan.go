package host

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"clove.i2p/plugins/api/pb"
)

// Plan says what Apply would do. New and changed plugins are started to ask them, with nothing given to them, and ended. Whether a
// change of settings is applied in place only the plugin knows: here it is listed as reloaded.
func (h *Host) Plan(ctx context.Context, desired Desired) (Plan, error) {
	if err := check(desired); err != nil {
		return Plan{}, err
	}
	if _, err := h.running(ctx); err != nil {
		return Plan{}, err
	}
	h.admin.Lock()
	defer h.admin.Unlock()
	r := &record{}
	types := h.planPlugins(ctx, h.effective(desired), r)
	h.mu.Lock()
	have := maps.Clone(h.tunnels)
	h.mu.Unlock()
	for name, t := range have {
		if _, ok := desired.Tunnels[name]; !ok {
			r.plan.Removed = append(r.plan.Removed, Drop{Tunnel: name, Connections: h.connections(t.name)})
		}
	}
	for name, cfg := range desired.Tunnels {
		h.planTunnel(have[name], name, cfg, types, r)
	}
	return r.finish(), nil
}

// server is who would serve a type.
type server struct {
	plugin string
	typ    *pb.TunnelType
}

func (h *Host) planPlugins(ctx context.Context, want map[string]PluginConfig, r *record) map[string]server {
	types := map[string]server{}
	h.mu.Lock()
	have := maps.Clone(h.plugins)
	h.mu.Unlock()
	for name := range have {
		if _, ok := want[name]; !ok {
			r.plan.PluginsRemoved = append(r.plan.PluginsRemoved, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		cfg := want[name]
		var d *description
		p := have[name]
		switch {
		case p == nil:
			r.plan.PluginsAdded = append(r.plan.PluginsAdded, name)
		case !samePlugin(p.config(), cfg):
			r.plan.PluginsChanged = append(r.plan.PluginsChanged, name)
		default:
			d = p.description()
		}
		if cfg.Disabled {
			continue
		}
		if d == nil {
			var err error
			if d, err = h.ask(ctx, launchSpec{name: name, cfg: cfg, book: &logbook{}}); err != nil {
				r.problem(err)
				continue
			}
		}
		for _, t := range d.types {
			if other, ok := types[t.GetName()]; ok {
				r.problem(fmt.Errorf("plugins %s and %s both serve tunnel type %s: detach one of them", other.plugin, name, t.GetName()))
				continue
			}
			types[t.GetName()] = server{name, t}
		}
	}
	return types
}

func (h *Host) planTunnel(t *tunnel, name string, cfg TunnelConfig, types map[string]server, r *record) {
	s, ok := types[cfg.Type]
	if t == nil {
		r.plan.Added = append(r.plan.Added, name)
	}
	if !ok {
		if t == nil || !reflect.DeepEqual(t.config(), cfg) {
			near := nearest(cfg.Type, slices.Collect(maps.Keys(types)))
			if near != "" {
				near = "; did you mean " + near + "?"
			}
			r.problem(fmt.Errorf("tunnel %s: no plugin serves type %q%s", name, printable(cfg.Type, maxName), near))
		}
		return
	}
	settings, problems := normalize(s.typ, cfg.Settings)
	spec, err := h.gateSpec(name, cfg, s.typ, settings)
	if len(problems) > 0 {
		err = settingsError(problems)
	}
	if err != nil {
		r.problem(fmt.Errorf("tunnel %s: %w", name, err))
	}
	if t == nil || err != nil {
		return
	}
	now := t.config()
	t.mu.Lock()
	same := reflect.DeepEqual(settings, t.settings) && reflect.DeepEqual(spec, t.spec)
	sameHome := sameDestination(spec, t.spec)
	t.mu.Unlock()
	owner := t.owner()
	drop := Drop{Tunnel: name, Connections: h.connections(name)}
	switch {
	case now.Type != cfg.Type || owner == nil || owner.name != s.plugin:
		drop.Why = "another type or plugin"
	case reflect.DeepEqual(now, cfg) || same && now.Enabled == cfg.Enabled:
		r.plan.Unchanged++
		return
	case now.Enabled != cfg.Enabled:
		drop.Why = map[bool]string{true: "starts", false: "stops"}[cfg.Enabled]
	case !sameHome:
		drop.Why = "another destination, or another number or length of its I2P tunnels"
	default:
		r.plan.Reloaded = append(r.plan.Reloaded, name)
		return
	}
	r.plan.Restarted = append(r.plan.Restarted, drop)
}
