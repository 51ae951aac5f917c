package host

import (
	"log/slog"
	"time"

	"clove.i2p/plugins/host/gate"
)

// Config of a Host.
type Config struct {
	DataDir string // DATA_DIR/plugins holds plugins, DATA_DIR/tunnels the keys of tunnels
	// Beside is the folder of the clove binary: bundled plugins (clove-plugin-NAME) are there. Empty: that of os.Executable.
	Beside string
	// Drain is how long open connections go on when a tunnel is stopped or moved; 0 is DefaultDrain.
	Drain time.Duration
	// HealthEvery is between two health checks; 0 is DefaultHealthEvery.
	HealthEvery time.Duration
	Log         *slog.Logger
	Gate        *gate.Gate
}

// Desired is what shall be: all plugins and tunnels of the configuration. Bundled plugins need no entry.
type Desired struct {
	Plugins map[string]PluginConfig
	Tunnels map[string]TunnelConfig
}

// PluginConfig registers a plugin.
type PluginConfig struct {
	Path        string   // a file, or the name of one beside clove or in DATA_DIR/plugins; empty: clove-plugin-NAME there
	SHA256      string   // of the file, hexadecimal; only a bundled plugin needs none
	Permissions []string // granted. nil, of a bundled plugin: all that it asks for, but dial-clearnet
	Memory      int64    // bytes; 0 is the default
	Files       int      // open descriptors; 0 is the default
	Disabled    bool     // registered and detached
}

// TunnelConfig is one tunnel.
type TunnelConfig struct {
	Type           string
	Enabled        bool
	KeyFile        string // empty: DATA_DIR/tunnels/NAME.keys for a server, transient for a client
	Length         int    // of the I2P tunnels; 0 is the default, -1 is no hops
	Quantity       int
	MaxConnections int // 0 is the default
	// Settings are the rest of [tunnels.NAME], as TOML or JSON decodes them.
	Settings map[string]any
}
