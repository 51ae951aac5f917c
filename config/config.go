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
	// Plugins are the programs that serve tunnel types, by name.
	Plugins map[string]Plugin `koanf:"plugins"`
	// Tunnels by name: each has a type, and the settings of that type, which its plugin knows.
	Tunnels map[string]map[string]any `koanf:"tunnels"`
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
	// Hidden publishes no address and carries nobody's tunnels.
	Hidden bool `koanf:"hidden"`
	// IPv4 and IPv6 are the IP versions in use.
	IPv4 bool `koanf:"ipv4"`
	IPv6 bool `koanf:"ipv6"`
	// PortMapping asks the home router to forward the ports (UPnP, NAT-PMP, PCP).
	PortMapping bool `koanf:"port_mapping"`
	// PostQuantum are the key exchanges that are offered to peers beside X25519, the best first: mlkem512, mlkem768,
	// mlkem1024.
	PostQuantum []string `koanf:"post_quantum"`
	// Upstream is a SOCKS5 or HTTP proxy that everything to other routers goes through.
	Upstream  string    `koanf:"upstream"`
	Bandwidth Bandwidth `koanf:"bandwidth"`
	NTCP2     Transport `koanf:"ntcp2"`
	SSU2      SSU2      `koanf:"ssu2"`
	Reseed    Reseed    `koanf:"reseed"`
	Tunnels   Tunnels   `koanf:"tunnels"`
}

// Bandwidth limits the router; 0 is unlimited.
type Bandwidth struct {
	Inbound  bandwidth.Rate `koanf:"inbound"`
	Outbound bandwidth.Rate `koanf:"outbound"`
	Share    int            `koanf:"share"` // percent of them, for transit
}

// Transport says where a transport listens and what it publishes.
type Transport struct {
	Enabled   bool   `koanf:"enabled"`
	Listen    string `koanf:"listen"`    // IP:port or :port; port 0 is a random one that is kept
	Advertise string `koanf:"advertise"` // IP or IP:port
}

// SSU2 is the transport over UDP.
type SSU2 struct {
	Enabled   bool   `koanf:"enabled"`
	Listen    string `koanf:"listen"` // as of Transport; empty: as NTCP2
	Advertise string `koanf:"advertise"`
	Batching  string `koanf:"batching"` // how packets go in and out: auto, batched, plain
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
	// UsersFile holds who may use the proxies; empty lets everybody who reaches them.
	UsersFile string    `koanf:"users_file"`
	Isolation Isolation `koanf:"isolation"`
	HTTP      HTTPProxy `koanf:"http"`
	SOCKS     Listener  `koanf:"socks"`
	Rules     []Rule    `koanf:"rules"`
}

// Isolation says which streams may share a destination.
type Isolation struct {
	By           []string      `koanf:"by"`           // listener, user, site
	Destinations int           `koanf:"destinations"` // at most so many at a time, for each proxy
	Idle         time.Duration `koanf:"idle"`         // after which one is closed
	Prewarm      int           `koanf:"prewarm"`      // kept ready for whoever comes next
}

// HTTPProxy is the HTTP proxy.
type HTTPProxy struct {
	Listen        string   `koanf:"listen"` // host:port; empty leaves the proxy out
	Auth          string   `koanf:"auth"`   // basic or digest, for those of the users file
	AddressHelper bool     `koanf:"address_helper"`
	Jump          []string `koanf:"jump"` // URLs that look names up; the name is appended
}

// A Rule says where requests go. The first that matches decides.
type Rule struct {
	Name     string   `koanf:"name"`
	Match    []string `koanf:"match"` // hosts: a name, *.name, *, an address or a network
	Listener string   `koanf:"listener"`
	User     string   `koanf:"user"`
	Ports    []string `koanf:"ports"` // "443", "8000-8999"
	Methods  []string `koanf:"methods"`
	Action   string   `koanf:"action"` // i2p, outproxy, block
	Via      string   `koanf:"via"`    // a tunnel of type outproxy-client
	Length   *int     `koanf:"length"` // of the I2P tunnels of what matches; nil: router.tunnels.length
	Quantity *int     `koanf:"quantity"`
}

// A Plugin is a program that serves tunnel types.
type Plugin struct {
	Path        string   `koanf:"path"`        // a file, or the name of one beside clove or in DATA_DIR/plugins
	SHA256      string   `koanf:"sha256"`      // of the file; clove starts no other
	Permissions []string `koanf:"permissions"` // granted
	Memory      Size     `koanf:"memory"`
	Files       int      `koanf:"files"` // open descriptors
	Enabled     *bool    `koanf:"enabled"`
}

// Size is a number of bytes, "512MB" in text; 0 is the default of what it bounds.
type Size int64

// UnmarshalText reads what a bandwidth.Rate reads.
func (s *Size) UnmarshalText(b []byte) error {
	r, err := bandwidth.ParseRate(string(b))
	*s = Size(r)
	return err
}

// MarshalText is the shortest form.
func (s Size) MarshalText() ([]byte, error) { return bandwidth.Rate(s).MarshalText() }

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
			IPv4:      true, IPv6: true, PortMapping: true,
			PostQuantum: []string{"mlkem768", "mlkem512", "mlkem1024"},
			Bandwidth:   Bandwidth{Inbound: 1e6, Outbound: 1e6, Share: 80},
			NTCP2:       Transport{Enabled: true, Listen: ":0"},
			SSU2:        SSU2{Enabled: true, Batching: "auto"},
			Reseed:      Reseed{URLs: []string{}, Files: []string{}},
			Tunnels:     Tunnels{Length: 3, Quantity: 3},
		},
		Proxies: Proxies{
			DialTimeout: time.Minute,
			IdleTimeout: 30 * time.Minute,
			Isolation:   Isolation{By: []string{"listener", "user"}, Destinations: 16, Idle: 10 * time.Minute},
			HTTP: HTTPProxy{
				Listen: "127.0.0.1:4444", AddressHelper: true,
				Jump: []string{"http://stats.i2p/cgi-bin/jump.cgi?a=", "http://i2pjump.i2p/jump/", "http://notbob.i2p/cgi-bin/jump.cgi?q="},
			},
			SOCKS: Listener{Listen: "127.0.0.1:4447"},
			Rules: []Rule{},
		},
	}
}
