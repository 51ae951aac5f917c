package host

import (
	"time"

	"clove.i2p/plugins/host/sandbox"
)

// PluginState is where a plugin's process is.
type PluginState string

// States of a plugin.
const (
	PluginIdle     PluginState = "idle"     // described; no tunnel needs it now
	PluginStarting PluginState = "starting" //
	PluginRunning  PluginState = "running"  //
	PluginWaiting  PluginState = "waiting"  // ended; starts again after a back-off
	PluginFailed   PluginState = "failed"   // ended too often, or cannot be started: until restart or a change
	PluginDetached PluginState = "detached" //
)

// TunnelState is where a tunnel is.
type TunnelState string

// States of a tunnel.
const (
	TunnelStarting TunnelState = "starting"
	TunnelRunning  TunnelState = "running"
	TunnelWaiting  TunnelState = "waiting" // its plugin is away: new connections wait a while
	TunnelDraining TunnelState = "draining"
	TunnelStopped  TunnelState = "stopped"
	TunnelFailed   TunnelState = "failed"
)

// PluginStatus is what people see of a plugin.
type PluginStatus struct {
	Name       string             `json:"name"`
	Version    string             `json:"version,omitempty"`
	Summary    string             `json:"summary,omitempty"`
	Path       string             `json:"path"`
	SHA256     string             `json:"sha256"`
	Bundled    bool               `json:"bundled"`
	State      PluginState        `json:"state"`
	Error      string             `json:"error,omitempty"` // why it failed or waits, and what to do
	PID        int                `json:"pid,omitempty"`
	Since      time.Time          `json:"since,omitzero"` // start of the process
	Uptime     float64            `json:"uptime_seconds"`
	Restarts   int                `json:"restarts"`
	Memory     int64              `json:"memory_bytes"`
	Types      []TypeStatus       `json:"types"`
	Tunnels    []string           `json:"tunnels"`
	Asked      []string           `json:"permissions_asked"`
	Granted    []string           `json:"permissions_granted"`
	Denials    map[string]uint64  `json:"denials,omitempty"` // by permission, since clove started
	Sandbox    sandbox.Capability `json:"sandbox"`
	LogLines   uint64             `json:"log_lines"`
	LogDropped uint64             `json:"log_dropped"`
}

// TypeStatus is a tunnel type that a plugin serves.
type TypeStatus struct {
	Name        string          `json:"name"`
	Summary     string          `json:"summary,omitempty"`
	Destination string          `json:"destination"` // none, client, server
	Protocol    string          `json:"protocol,omitempty"`
	Settings    []SettingStatus `json:"settings"`
}

// SettingStatus is one setting of a type, for help and editors.
type SettingStatus struct {
	Key      string   `json:"key"`
	Type     string   `json:"type"` // string, integer, boolean, duration, size, strings, string-map
	Kind     string   `json:"kind"` // plain, listen-address, dial-address, i2p-address, file, folder, secret, clearnet-ports
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"` // as JSON
	Choices  []string `json:"choices,omitempty"`
	Help     string   `json:"help,omitempty"`
}

// TunnelStatus is what people see of a tunnel.
type TunnelStatus struct {
	Name           string             `json:"name"`
	Type           string             `json:"type"`
	Plugin         string             `json:"plugin,omitempty"`
	Enabled        bool               `json:"enabled"`
	State          TunnelState        `json:"state"`
	Error          string             `json:"error,omitempty"`
	Address        string             `json:"address,omitempty"` // .b32.i2p
	Ready          bool               `json:"ready"`             // the destination has tunnels
	Published      bool               `json:"published"`
	Local          []string           `json:"local"` // addresses bound
	Services       []string           `json:"services,omitempty"`
	Open           int                `json:"connections_open"`
	Total          uint64             `json:"connections_total"`
	Waiting        int                `json:"connections_waiting"`
	Sent           uint64             `json:"bytes_sent"` // to I2P
	Received       uint64             `json:"bytes_received"`
	Refused        uint64             `json:"connections_refused"` // over a limit
	Expired        uint64             `json:"connections_expired"` // no plugin took them in time
	PacketsDropped uint64             `json:"packets_dropped"`
	Health         string             `json:"health,omitempty"` // healthy, degraded, failed
	HealthText     string             `json:"health_text,omitempty"`
	Metrics        map[string]float64 `json:"metrics,omitempty"`
	MetricsHelp    map[string]string  `json:"metrics_help,omitempty"`
	Settings       map[string]any     `json:"settings,omitempty"` // secrets are "***"
	Since          time.Time          `json:"since,omitzero"`
}

// Plan is what a change does.
type Plan struct {
	PluginsAdded   []string `json:"plugins_added,omitempty"`
	PluginsRemoved []string `json:"plugins_removed,omitempty"`
	PluginsChanged []string `json:"plugins_changed,omitempty"` // other file or limits: a new process takes over; or permissions
	Added          []string `json:"tunnels_added,omitempty"`
	Removed        []Drop   `json:"tunnels_removed,omitempty"`
	Reloaded       []string `json:"tunnels_reloaded,omitempty"`  // in place: nothing drops. Before Apply: probably
	Restarted      []Drop   `json:"tunnels_restarted,omitempty"` // drained, stopped and started
	Unchanged      int      `json:"tunnels_unchanged"`
	Problems       []string `json:"problems,omitempty"` // what could not be done; the rest was
}

// Drop is a tunnel whose connections end, after the drain.
type Drop struct {
	Tunnel      string `json:"tunnel"`
	Connections int    `json:"connections"` // open now
	Why         string `json:"why,omitempty"`
}

// Empty reports whether nothing changes.
func (p Plan) Empty() bool {
	return len(p.PluginsAdded)+len(p.PluginsRemoved)+len(p.PluginsChanged)+len(p.Added)+len(p.Removed)+len(p.Reloaded)+len(p.Restarted) == 0
}

// Found is a plugin file that could be registered.
type Found struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Bundled bool   `json:"bundled"`
}

// LogLine is a line that a plugin wrote: to stderr, or with Log.
type LogLine struct {
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"` // stderr, stdout
	Text   string    `json:"text"`
}
