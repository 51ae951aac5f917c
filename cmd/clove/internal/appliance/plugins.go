package appliance

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/config"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
)

// newHost makes the plugin host, which is given the router as its network.
func (a *Appliance) newHost() (err error) {
	cfg := gate.Config{Network: network{a.router, a.cfg.Tunnels}, Data: filepath.Join(a.cfg.State, "stores"), Log: a.log}
	if e := a.cfg.Exit; e != nil {
		cfg.Resolver, cfg.AllowClearnet, cfg.Connect = e.Resolver, e.Allow, e.Connect
	}
	a.gate, err = gate.New(cfg)
	if err != nil {
		return err
	}
	a.host, err = host.New(host.Config{DataDir: a.cfg.State, Beside: a.cfg.Beside, Log: a.log, Gate: a.gate})
	return err
}

// Plugins lists the plugins.
func (a *Appliance) Plugins() []host.PluginStatus {
	if a.host == nil {
		return nil
	}
	return a.host.Plugins()
}

func (a *Appliance) plugin(name string) (host.PluginStatus, error) {
	for _, p := range a.Plugins() {
		if p.Name == name {
			return p, nil
		}
	}
	return host.PluginStatus{}, fmt.Errorf("%w: %s; clove plugin list shows them", host.ErrUnknownPlugin, name)
}

func pluginConfig(r control.PluginRequest) host.PluginConfig {
	return host.PluginConfig{Path: r.Path, SHA256: strings.ToLower(r.SHA256), Permissions: r.Grant, Memory: r.Memory, Files: r.Files}
}

// InspectPlugin asks a program what it is.
func (a *Appliance) InspectPlugin(ctx context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	if a.host == nil {
		return host.PluginStatus{}, errNoPlugins
	}
	if err := config.CheckName(r.Name); err != nil {
		return host.PluginStatus{}, fmt.Errorf("%w: %w", control.ErrInvalid, err)
	}
	return a.host.Inspect(ctx, r.Name, pluginConfig(r))
}

// section is a plugin in managed.toml.
func section(r control.PluginRequest) map[string]any {
	s := map[string]any{"path": r.Path, "sha256": strings.ToLower(r.SHA256)}
	if r.Grant != nil {
		s["permissions"] = r.Grant
	}
	if r.Memory != 0 {
		s["memory"] = fmt.Sprintf("%dB", r.Memory)
	}
	if r.Files != 0 {
		s["files"] = int64(r.Files)
	}
	return s
}

// AddPlugin registers a plugin and starts it.
func (a *Appliance) AddPlugin(ctx context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	_, err := a.change(ctx, "plugins", r.Name, func(map[string]any) (map[string]any, error) {
		if _, ok := a.desired.Plugins[r.Name]; ok {
			return nil, fmt.Errorf("%w: there is a plugin %s already: clove plugin upgrade replaces its program", control.ErrConflict, r.Name)
		}
		if r.Path == "" || r.SHA256 == "" {
			return nil, fmt.Errorf("%w: a plugin needs path and sha256", control.ErrInvalid)
		}
		return section(r), nil
	})
	if err != nil {
		return host.PluginStatus{}, err
	}
	return a.plugin(r.Name)
}

// RemovePlugin stops a plugin and forgets it.
func (a *Appliance) RemovePlugin(ctx context.Context, name string) error {
	p, err := a.plugin(name)
	if err != nil {
		return err
	}
	if len(p.Tunnels) > 0 {
		return fmt.Errorf("%w: tunnels need the plugin %s: remove them first: %s", control.ErrConflict, name, strings.Join(p.Tunnels, ", "))
	}
	_, err = a.change(ctx, "plugins", name, func(map[string]any) (map[string]any, error) {
		if _, ok := a.desired.Plugins[name]; !ok {
			return nil, fmt.Errorf("%w: %s comes with clove; clove plugin detach stops it", control.ErrConflict, name)
		}
		return nil, a.inFile("plugins", name)
	})
	return err
}

// UpgradePlugin replaces a plugin's program, or its permissions.
func (a *Appliance) UpgradePlugin(ctx context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	if _, err := a.plugin(r.Name); err != nil {
		return host.PluginStatus{}, err
	}
	_, err := a.change(ctx, "plugins", r.Name, func(now map[string]any) (map[string]any, error) {
		old, registered := a.desired.Plugins[r.Name]
		if registered {
			if err := a.inFile("plugins", r.Name); err != nil {
				return nil, err
			}
		}
		if r.Grant == nil {
			r.Grant = old.Permissions
		}
		if r.Memory == 0 {
			r.Memory = old.Memory
		}
		if r.Files == 0 {
			r.Files = old.Files
		}
		cfg := pluginConfig(r)
		if err := a.host.Upgrade(ctx, r.Name, cfg); err != nil {
			return nil, err
		}
		after := section(r)
		if now["enabled"] == false {
			after["enabled"] = false // who was detached stays so
		}
		return after, nil
	})
	if err != nil {
		return host.PluginStatus{}, err
	}
	return a.plugin(r.Name)
}

// AttachPlugin starts a plugin, also after a restart of clove.
func (a *Appliance) AttachPlugin(ctx context.Context, name string) error {
	return a.switchPlugin(ctx, name, true)
}

// DetachPlugin drains and stops a plugin, also after a restart of clove.
func (a *Appliance) DetachPlugin(ctx context.Context, name string) error {
	return a.switchPlugin(ctx, name, false)
}

func (a *Appliance) switchPlugin(ctx context.Context, name string, on bool) error {
	if _, err := a.plugin(name); err != nil {
		return err
	}
	_, err := a.change(ctx, "plugins", name, func(s map[string]any) (map[string]any, error) {
		if s == nil {
			s = map[string]any{}
		}
		if on {
			delete(s, "enabled")
		} else {
			s["enabled"] = false
		}
		if len(s) == 0 {
			return nil, nil
		}
		return s, nil
	})
	return err
}

// RestartPlugin starts a plugin's process anew.
func (a *Appliance) RestartPlugin(ctx context.Context, name string) error {
	if a.host == nil {
		return errNoPlugins
	}
	return a.host.Restart(ctx, name)
}

// PluginLogs are the last lines of a plugin.
func (a *Appliance) PluginLogs(name string) ([]host.LogLine, error) {
	if a.host == nil {
		return nil, errNoPlugins
	}
	return a.host.Logs(name)
}
