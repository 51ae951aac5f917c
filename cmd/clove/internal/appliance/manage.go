package appliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/config"
	"clove.i2p/plugins/host"
)

var errNoPlugins = fmt.Errorf("%w: this clove has no data directory, and so no plugins", control.ErrConflict)

// A change of one plugin or tunnel is written to managed.toml, read back through the whole configuration, as it will be at the
// next start, and applied; if that fails, everything is as before.
func (a *Appliance) change(ctx context.Context, kind, name string, edit func(section map[string]any) (map[string]any, error)) (plan host.Plan, err error) {
	if a.host == nil || a.cfg.Load == nil {
		return plan, errNoPlugins
	}
	if err := config.CheckName(name); err != nil {
		return plan, fmt.Errorf("%w: %w", control.ErrInvalid, err)
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	before, err := config.ReadManaged(a.cfg.State)
	if err != nil {
		return plan, err
	}
	after := config.Managed{Plugins: maps.Clone(before.Plugins), Tunnels: maps.Clone(before.Tunnels)}
	table := after.Tunnels
	if kind == "plugins" {
		table = after.Plugins
	}
	section, err := edit(maps.Clone(table[name]))
	if err != nil {
		return plan, err
	}
	if section == nil {
		delete(table, name)
	} else {
		table[name] = section
	}
	if err := after.Write(a.cfg.State); err != nil {
		return plan, err
	}
	desired := a.desired
	plan, err = a.applyOne(ctx, kind, name)
	if err != nil {
		a.desired = desired
		return plan, errors.Join(err, before.Write(a.cfg.State))
	}
	return plan, nil
}

// applyOne applies what the configuration says of one plugin or tunnel, and nothing else of it. The caller holds a.changing.
func (a *Appliance) applyOne(ctx context.Context, kind, name string) (plan host.Plan, err error) {
	cfg, err := a.cfg.Load()
	if err != nil {
		return plan, err
	}
	desired := host.Desired{Plugins: maps.Clone(a.desired.Plugins), Tunnels: maps.Clone(a.desired.Tunnels)}
	if kind == "plugins" {
		copyEntry(desired.Plugins, cfg.Plugins.Plugins, name)
	} else {
		copyEntry(desired.Tunnels, cfg.Plugins.Tunnels, name)
		if t, ok := desired.Tunnels[name]; ok && t.Enabled {
			if err := a.host.Validate(ctx, name, t); err != nil {
				return plan, err
			}
		}
	}
	plan, err = a.host.Apply(ctx, desired)
	if err == nil {
		err = a.failure(kind, name)
	}
	if err != nil {
		_, back := a.host.Apply(context.WithoutCancel(ctx), a.desired)
		return plan, errors.Join(err, back)
	}
	a.desired = desired
	return plan, nil
}

func copyEntry[T any](to, from map[string]T, name string) {
	if v, ok := from[name]; ok {
		to[name] = v
	} else {
		delete(to, name)
	}
}

// failure is why a plugin or tunnel does not do what it was told to.
func (a *Appliance) failure(kind, name string) error {
	if kind == "plugins" {
		for _, p := range a.host.Plugins() {
			if p.Name == name && p.State == host.PluginFailed {
				return errors.New(p.Error)
			}
		}
		return nil
	}
	for _, t := range a.host.Tunnels() {
		if t.Name == name && t.State == host.TunnelFailed {
			return errors.New(t.Error)
		}
	}
	return nil
}

// inFile is the error for what the configuration file says, where a command must not change it.
func (a *Appliance) inFile(kind, name string) error {
	m, err := config.ReadManaged(a.cfg.State)
	if err != nil {
		return err
	}
	table := m.Tunnels
	if kind == "plugins" {
		table = m.Plugins
	}
	if _, ok := table[name]; ok {
		return nil
	}
	return fmt.Errorf("%w: [%s.%s] is in %s: change it there, and run clove reload", control.ErrConflict, kind, name, cmp.Or(a.cfg.File, "the configuration"))
}

// Tunnels lists the tunnels.
func (a *Appliance) Tunnels() []host.TunnelStatus {
	if a.host == nil {
		return nil
	}
	return a.host.Tunnels()
}

// Tunnel is one of them with its metrics.
func (a *Appliance) Tunnel(ctx context.Context, name string) (host.TunnelStatus, error) {
	if a.host == nil {
		return host.TunnelStatus{}, errNoPlugins
	}
	return a.host.Tunnel(ctx, name)
}

// TunnelStore is what a tunnel keeps.
func (a *Appliance) TunnelStore(name, prefix string) (map[string]string, error) {
	if a.gate == nil {
		return nil, errNoPlugins
	}
	if _, ok := a.wanted(name); !ok {
		return nil, fmt.Errorf("%w: %s; clove tunnel list shows them", host.ErrUnknownTunnel, name)
	}
	stored, err := a.gate.Stored(name, prefix)
	out := make(map[string]string, len(stored))
	for key, value := range stored {
		out[key] = string(value)
	}
	return out, err
}

// AddTunnel adds a tunnel and starts it.
func (a *Appliance) AddTunnel(ctx context.Context, r control.TunnelRequest) (host.TunnelStatus, error) {
	_, err := a.change(ctx, "tunnels", r.Name, func(section map[string]any) (map[string]any, error) {
		if _, ok := a.desired.Tunnels[r.Name]; ok || section != nil {
			return nil, fmt.Errorf("%w: there is a tunnel %s already: clove tunnel edit changes it", control.ErrConflict, r.Name)
		}
		if r.Type == "" {
			return nil, fmt.Errorf("%w: the type is missing: clove tunnel types lists them", control.ErrInvalid)
		}
		section = plain(r.Settings)
		section["type"] = r.Type
		return section, nil
	})
	if err != nil {
		return host.TunnelStatus{}, err
	}
	return a.Tunnel(ctx, r.Name)
}

// EditTunnel changes settings.
func (a *Appliance) EditTunnel(ctx context.Context, r control.TunnelRequest) (e control.TunnelEdited, err error) {
	e.Plan, err = a.changeTunnel(ctx, r.Name, func(section map[string]any) {
		maps.Copy(section, plain(r.Settings))
		if r.Type != "" {
			section["type"] = r.Type
		}
		for _, key := range r.Unset {
			delete(section, key)
		}
	})
	if err != nil {
		return e, err
	}
	e.Tunnel, err = a.Tunnel(ctx, r.Name)
	return e, err
}

// changeTunnel changes one that is in managed.toml.
func (a *Appliance) changeTunnel(ctx context.Context, name string, edit func(section map[string]any)) (host.Plan, error) {
	return a.change(ctx, "tunnels", name, func(section map[string]any) (map[string]any, error) {
		if _, ok := a.desired.Tunnels[name]; !ok {
			return nil, fmt.Errorf("%w: %s; clove tunnel list shows them", host.ErrUnknownTunnel, name)
		}
		if err := a.inFile("tunnels", name); err != nil {
			return nil, err
		}
		edit(section)
		return section, nil
	})
}

// RemoveTunnel stops a tunnel and forgets it.
func (a *Appliance) RemoveTunnel(ctx context.Context, name string) error {
	_, err := a.change(ctx, "tunnels", name, func(map[string]any) (map[string]any, error) {
		if _, ok := a.desired.Tunnels[name]; !ok {
			return nil, fmt.Errorf("%w: %s; clove tunnel list shows them", host.ErrUnknownTunnel, name)
		}
		return nil, a.inFile("tunnels", name)
	})
	return err
}

// StartTunnel starts a tunnel, now and after a restart.
func (a *Appliance) StartTunnel(ctx context.Context, name string) error {
	if t, ok := a.wanted(name); ok && t.Enabled { // it has failed
		return a.host.StartTunnel(ctx, name)
	}
	_, err := a.changeTunnel(ctx, name, func(section map[string]any) { delete(section, "enabled") })
	return err
}

// StopTunnel stops a tunnel, also after a restart.
func (a *Appliance) StopTunnel(ctx context.Context, name string) error {
	_, err := a.changeTunnel(ctx, name, func(section map[string]any) { section["enabled"] = false })
	return err
}

func (a *Appliance) wanted(tunnel string) (host.TunnelConfig, bool) {
	a.changing.Lock()
	defer a.changing.Unlock()
	t, ok := a.desired.Tunnels[tunnel]
	return t, ok
}

// plain makes values as JSON decodes them into values as TOML does.
func plain(settings map[string]any) map[string]any {
	out := make(map[string]any, len(settings))
	for key, value := range settings {
		out[key] = plainValue(value)
	}
	return out
}

func plainValue(value any) any {
	switch v := value.(type) {
	case interface {
		Int64() (int64, error)
		Float64() (float64, error)
	}: // json.Number
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	case map[string]any:
		return plain(v)
	}
	return value
}
