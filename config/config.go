package config

import (
	"time"

	"clove.i2p/router/bandwidth"
)

// Config is the whole configuration. The koanf tags are the keys; example.toml describes them.
type Config struct {
	DataDir string  `koanf:"data_dir"`
	Log     Log     `koanf:"log"`
	Router  Router  `koanf:"router"`
	Proxies Proxies `koanf:"proxies"`
}

// Log says what is logged, to stderr.
type Log struct {
	Level  string `koanf:"level"`  // debug, info, warn, error
	Format string `koanf:"format"` // text, json
}

// Router is the part that joins the network.
type Router struct {
	NetworkID         int       `koanf:"network_id"`
	AllowPrivatePeers bool      `koanf:"allow_private_peers"`
	Floodfill         Floodfill `koanf:"floodfill"`
	Transit           bool      `koanf:"transit"`
	Bandwidth         Bandwidth `koanf:"bandwidth"`
	NTCP2             Transport `koanf:"ntcp2"`
	SSU2              Transport `koanf:"ssu2"`
	Reseed            Reseed    `koanf:"reseed"`
	Tunnels           Tunnels   `koanf:"tunnels"`
}

// Bandwidth limits the router; 0 is unlimited.
type Bandwidth struct {
	Inbound  bandwidth.Rate `koanf:"inbound"`
	Outbound bandwidth.Rate `koanf:"outbound"`
	Share    int            `koanf:"share"` // percent of them, for transit
}

// Transport says where a transport listens and what it publishes.
type Transport struct {
	Listen    string `koanf:"listen"`    // IP:port or :port; port 0 is a random one that is kept
	Advertise string `koanf:"advertise"` // IP or IP:port
}

// Reseed says where the first RouterInfos come from.
type Reseed struct {
	URLs  []string `koanf:"urls"`
	Files []string `koanf:"files"` // with ~ expanded
}

// Tunnels shape the tunnels of client destinations, per direction.
type Tunnels struct {
	Length   int `koanf:"length"`
	Quantity int `koanf:"quantity"`
}

// Proxies are what applications connect to.
type Proxies struct {
	DialTimeout time.Duration `koanf:"dial_timeout"`
	IdleTimeout time.Duration `koanf:"idle_timeout"`
	HTTP        Listener      `koanf:"http"`
	SOCKS       Listener      `koanf:"socks"`
}

// A Listener is a proxy's address, host:port; empty leaves the proxy out.
type Listener struct {
	Listen string `koanf:"listen"`
}

// PublicNetworkID is the I2P network.
const PublicNetworkID = 2

// Default is the configuration without a file. Its DataDir begins with ~, which Load expands.
func Default() Config {
	return Config{
		DataDir: "~/.local/share/clove",
		Log:     Log{Level: "info", Format: "text"},
		Router: Router{
			NetworkID: PublicNetworkID,
			Floodfill: FloodfillAuto,
			Transit:   true,
			Bandwidth: Bandwidth{Inbound: 1e6, Outbound: 1e6, Share: 80},
			NTCP2:     Transport{Listen: ":0"},
			SSU2:      Transport{Listen: ":0"},
			Reseed:    Reseed{URLs: []string{}, Files: []string{}},
			Tunnels:   Tunnels{Length: 3, Quantity: 3},
		},
		Proxies: Proxies{
			DialTimeout: time.Minute,
			IdleTimeout: 30 * time.Minute,
			HTTP:        Listener{Listen: "127.0.0.1:4444"},
			SOCKS:       Listener{Listen: "127.0.0.1:4447"},
		},
	}
}
