package host

import (
	"context"
	"errors"
	"fmt"
)

// Attach starts a registered plugin that was detached, with its tunnels.
func (h *Host) Attach(ctx context.Context, name string) error {
	return h.change(ctx, name, func(ctx context.Context, p *plugin) error {
		if state, _ := p.current(); state != PluginDetached {
			return nil
		}
		cfg := p.config()
		cfg.Disabled = false
		return p.attach(ctx, cfg)
	})
}

// Detach drains a plugin's tunnels and ends its process. It stays registered.
func (h *Host) Detach(ctx context.Context, name string) error {
	return h.change(ctx, name, func(ctx context.Context, p *plugin) error { return p.detach(ctx) })
}

// Upgrade replaces a plugin by another file: the new process starts beside the old one, takes over its tunnels, and the old one ends when
// its connections have, or after the drain. It returns when the new one serves. When the new one fails, the old one stays.
func (h *Host) Upgrade(ctx context.Context, name string, cfg PluginConfig) error {
	if err := check(Desired{Plugins: map[string]PluginConfig{name: cfg}}); err != nil {
		return err
	}
	return h.change(ctx, name, func(ctx context.Context, p *plugin) error { return p.upgrade(ctx, cfg) })
}

// Restart starts a plugin's process anew, also one that has failed. Its connections end.
func (h *Host) Restart(ctx context.Context, name string) error {
	return h.change(ctx, name, func(ctx context.Context, p *plugin) error { return p.restart(ctx) })
}

func (h *Host) change(ctx context.Context, name string, f func(context.Context, *plugin) error) error {
	if _, err := h.running(ctx); err != nil {
		return err
	}
	h.admin.Lock()
	defer h.admin.Unlock()
	p, err := h.plugin(name)
	if err != nil {
		return err
	}
	return p.do(ctx, func(ctx context.Context) error { return f(ctx, p) })
}

// Inspect starts a plugin that need not be registered, asks it what it is, and ends it. It is given nothing. With an empty SHA256
// any content is taken: for showing a plugin to the user before registration.
func (h *Host) Inspect(ctx context.Context, name string, cfg PluginConfig) (PluginStatus, error) {
	if _, err := h.running(ctx); err != nil {
		return PluginStatus{}, err
	}
	if err := checkName(name); err != nil {
		return PluginStatus{}, err
	}
	proc, err := h.launch(ctx, launchSpec{name: name, cfg: cfg, book: &logbook{}, any: true})
	if err != nil {
		return PluginStatus{}, err
	}
	defer proc.end()
	d, err := proc.describe(ctx)
	if err != nil {
		return PluginStatus{}, err
	}
	s := PluginStatus{Name: name, State: PluginIdle, Path: proc.path, SHA256: proc.sha256, Bundled: proc.bundled, Sandbox: proc.box.Capability(), Granted: []string{}}
	s.describe(d)
	return s, nil
}

// Validate checks a tunnel's settings against its type's schema and with its plugin, and changes nothing. It is ErrSettings with
// all problems.
func (h *Host) Validate(ctx context.Context, name string, cfg TunnelConfig) error {
	if _, err := h.running(ctx); err != nil {
		return err
	}
	if err := check(Desired{Tunnels: map[string]TunnelConfig{name: cfg}}); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	p, _, err := h.serving(cfg.Type)
	if err != nil {
		return err
	}
	return p.do(ctx, func(ctx context.Context) error {
		proc, err := p.need(ctx)
		if err != nil {
			proc = nil // then only the schema is asked
		}
		_, _, _, err = p.prepare(ctx, proc, p.description(), name, cfg)
		return err
	})
}

// StartTunnel starts a tunnel that is stopped or has failed.
func (h *Host) StartTunnel(ctx context.Context, name string) error {
	return h.changeTunnel(ctx, name, func(ctx context.Context, p *plugin, t *tunnel) error {
		cfg := t.config()
		cfg.Enabled = true
		t.setConfig(cfg)
		if s, _ := t.current(); s == TunnelRunning {
			return nil
		}
		return p.startTunnel(ctx, t)
	})
}

// StopTunnel drains and stops one tunnel.
func (h *Host) StopTunnel(ctx context.Context, name string) error {
	return h.changeTunnel(ctx, name, func(ctx context.Context, p *plugin, t *tunnel) error {
		cfg := t.config()
		cfg.Enabled = false
		t.setConfig(cfg)
		p.stopTunnel(ctx, t, h.cfg.Drain, "")
		return nil
	})
}

func (h *Host) changeTunnel(ctx context.Context, name string, f func(context.Context, *plugin, *tunnel) error) error {
	if _, err := h.running(ctx); err != nil {
		return err
	}
	t, err := h.tunnel(name)
	if err != nil {
		return err
	}
	p := t.owner()
	if p == nil {
		_, why := t.current()
		return errors.New(why)
	}
	return p.do(ctx, func(ctx context.Context) error { return f(ctx, p, t) })
}
