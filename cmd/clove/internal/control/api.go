package control

import (
	"context"
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/proxies"
)

// A Clove is what the API controls.
type Clove interface {
	Status() Status
	// Serve hosts an eepsite until ctx ends. It calls progress when the address is known, and again when it can be
	// reached.
	Serve(ctx context.Context, r ServeRequest, progress func(ServeProgress)) error
	Plugins
	Tunnels
	Traffic
	// Reload reads the configuration again and applies what changed; with DryRun it only says what would happen. A
	// configuration that is not right changes nothing.
	Reload(ctx context.Context, r ReloadRequest) (Plan, error)
}

// Plugins of a clove. What they change is kept in managed.toml.
type Plugins interface {
	Plugins() []host.PluginStatus
	// InspectPlugin tells what a program is, without registering it.
	InspectPlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error)
	AddPlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error)
	RemovePlugin(ctx context.Context, name string) error
	// UpgradePlugin replaces its program, or grants it other permissions.
	UpgradePlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error)
	AttachPlugin(ctx context.Context, name string) error
	DetachPlugin(ctx context.Context, name string) error
	RestartPlugin(ctx context.Context, name string) error
	PluginLogs(name string) ([]host.LogLine, error)
}

// Tunnels of a clove. What they change is kept in managed.toml.
type Tunnels interface {
	Tunnels() []host.TunnelStatus
	// Tunnel is one of them with its metrics.
	Tunnel(ctx context.Context, name string) (host.TunnelStatus, error)
	// TunnelStore is what a tunnel keeps under keys that begin with prefix, as text.
	TunnelStore(name, prefix string) (map[string]string, error)
	AddTunnel(ctx context.Context, r TunnelRequest) (host.TunnelStatus, error)
	EditTunnel(ctx context.Context, r TunnelRequest) (TunnelEdited, error)
	RemoveTunnel(ctx context.Context, name string) error
	// StartTunnel and StopTunnel keep what they did: a tunnel that was stopped is so after a restart.
	StartTunnel(ctx context.Context, name string) error
	StopTunnel(ctx context.Context, name string) error
}

// Traffic is what passes the proxies and the tunnels.
type Traffic interface {
	Connections() []Connection
	KillConnection(id string) error
	Explain(url, listener, user, method string) (proxies.Explanation, error)
	Audit() proxies.Audit
}

// ServeRequest asks for an eepsite.
type ServeRequest struct {
	Target  string `json:"target"`             // a folder, or the address of a local web server
	KeyFile string `json:"key_file,omitempty"` // made if it is not there
}

// ServeProgress tells how far it is. Error ends it.
type ServeProgress struct {
	Eepsite string `json:"eepsite,omitempty"`
	Ready   bool   `json:"ready"`
	Error   string `json:"error,omitempty"`
}

// PluginRequest registers, upgrades or inspects a plugin.
type PluginRequest struct {
	Name   string `json:"name"`
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // to register: of the file as the user has seen it
	// Grant are permissions. nil, of an upgrade: as before.
	Grant  []string `json:"grant"`
	Memory int64    `json:"memory,omitempty"` // bytes; 0 is the default
	Files  int      `json:"files,omitempty"`
}

// TunnelRequest adds or edits a tunnel.
type TunnelRequest struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // to add
	// Settings are those of [tunnels.NAME]; an edit leaves out what stays, and lists in Unset what gets its default.
	Settings map[string]any `json:"settings,omitempty"`
	Unset    []string       `json:"unset,omitempty"`
}

// TunnelEdited is what an edit did.
type TunnelEdited struct {
	Tunnel host.TunnelStatus `json:"tunnel"`
	Plan   host.Plan         `json:"plan"`
}

// Connection is a stream of a proxy or a tunnel.
type Connection struct {
	ID        string    `json:"id"`
	Owner     string    `json:"owner"` // proxy http, tunnel NAME
	Kind      string    `json:"kind"`  // i2p, outproxy, local, clearnet, service ...
	Direction string    `json:"direction"`
	Peer      string    `json:"peer"`
	State     string    `json:"state"`
	Sent      uint64    `json:"bytes_sent"`
	Received  uint64    `json:"bytes_received"`
	Opened    time.Time `json:"opened"`
}

// ReloadRequest asks to read the configuration again.
type ReloadRequest struct {
	DryRun bool `json:"dry_run,omitempty"`
}

// Plan is what a reload does.
type Plan struct {
	Applied bool      `json:"applied"`
	Tunnels host.Plan `json:"tunnels"`
	// Proxies tells what changes of the proxies, and what they drop.
	Proxies []string `json:"proxies"`
	// Restart are keys that take effect when clove is started again.
	Restart []string `json:"needs_restart"`
}

// Empty reports whether nothing changes.
func (p Plan) Empty() bool { return p.Tunnels.Empty() && len(p.Proxies)+len(p.Restart) == 0 }
