package host

import (
	"context"
	"errors"
	"net"

	"clove.i2p/plugins/host/gate"
)

// What the host's calls fail with; each error's text names the remedy.
var (
	ErrUnknownPlugin = errors.New("no such plugin")
	ErrUnknownTunnel = errors.New("no such tunnel")
	ErrUnregistered  = errors.New("plugin is not registered")
	ErrChecksum      = errors.New("plugin file has changed")
	ErrProtocol      = errors.New("plugin speaks another version of the protocol")
	ErrSettings      = errors.New("settings are not valid")
)

// Host runs plugins and their tunnels.
type Host struct {
	cfg Config
}

// New checks the configuration and starts nothing.
func New(cfg Config) (*Host, error) { return &Host{cfg: cfg}, nil }

// Run keeps plugins running until ctx ends, then stops them all. Apply and the rest work while it runs.
func (h *Host) Run(ctx context.Context) error { panic("not yet") }

// Apply makes desired true, touching only what changes. What cannot be done is in Plan.Problems and in the state of the plugin or
// tunnel; the rest is done. The error is for a Desired that makes no sense as a whole: then nothing has changed.
func (h *Host) Apply(ctx context.Context, desired Desired) (Plan, error) { panic("not yet") }

// Plan says what Apply would do. Plugins may be started to ask them.
func (h *Host) Plan(ctx context.Context, desired Desired) (Plan, error) { panic("not yet") }

// Attach starts a registered plugin (again) that was detached, with its tunnels.
func (h *Host) Attach(ctx context.Context, plugin string) error { panic("not yet") }

// Detach drains a plugin's tunnels and stops its process. It stays registered.
func (h *Host) Detach(ctx context.Context, plugin string) error { panic("not yet") }

// Upgrade replaces a running plugin by another file: the new process starts beside the old, takes over its tunnels, and the old one
// ends when its connections have, or after the drain. When the new one fails, the old one stays.
func (h *Host) Upgrade(ctx context.Context, plugin string, cfg PluginConfig) error { panic("not yet") }

// Restart starts a plugin's process anew, also one that has failed. Its connections end.
func (h *Host) Restart(ctx context.Context, plugin string) error { panic("not yet") }

// Inspect starts a plugin that need not be registered, asks it what it is, and ends it. It is given nothing. With an empty SHA256
// any content is taken: for showing a plugin to the user before registration.
func (h *Host) Inspect(ctx context.Context, name string, cfg PluginConfig) (PluginStatus, error) {
	panic("not yet")
}

// Discover lists the plugin files beside clove and in DATA_DIR/plugins.
func (h *Host) Discover() []Found { panic("not yet") }

// Validate checks a tunnel's settings against its type's schema and with its plugin, and changes nothing. It is ErrSettings with
// all problems.
func (h *Host) Validate(ctx context.Context, name string, cfg TunnelConfig) error { panic("not yet") }

// StartTunnel starts a tunnel that is stopped or has failed.
func (h *Host) StartTunnel(ctx context.Context, name string) error { panic("not yet") }

// StopTunnel drains and stops one tunnel.
func (h *Host) StopTunnel(ctx context.Context, name string) error { panic("not yet") }

// Plugins lists registered and bundled plugins by name.
func (h *Host) Plugins() []PluginStatus { panic("not yet") }

// Tunnels lists tunnels by name. It asks nobody.
func (h *Host) Tunnels() []TunnelStatus { panic("not yet") }

// Tunnel is the status of one, with its metrics fetched now.
func (h *Host) Tunnel(ctx context.Context, name string) (TunnelStatus, error) { panic("not yet") }

// Logs are the last lines of a plugin.
func (h *Host) Logs(plugin string) ([]LogLine, error) { panic("not yet") }

// Connections lists open connections of all tunnels.
func (h *Host) Connections() []gate.Connection { panic("not yet") }

// Kill ends one connection.
func (h *Host) Kill(id uint64) error { panic("not yet") }

// DialService opens a stream to a service that a tunnel provides, such as "outproxy".
func (h *Host) DialService(ctx context.Context, tunnel, service, isolation string) (net.Conn, error) {
	panic("not yet")
}
