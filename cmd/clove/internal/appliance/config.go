package appliance

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clove.i2p/config"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/proxies"
	"clove.i2p/router"
	"clove.i2p/router/bandwidth"
)

// Config of an appliance.
type Config struct {
	Router  router.Config
	Tunnels router.Tunnels // of the proxies' destinations, and of tunnels that say nothing else
	Proxies ProxyConfig
	Plugins host.Desired
	// State is the folder of managed.toml, and of the keys and stores of tunnels. Empty: there are no plugins.
	State string
	// Beside is the folder where the bundled plugins are; empty: that of the program.
	Beside string
	// Exit replaces the internet for exits: of the demo. nil: the system's resolver and network.
	Exit *Exit
	// Control is the path of the control API's unix socket; empty leaves it out.
	Control string
	// Fixed are the settings that cannot change while clove runs, by key; of one with a password a hash.
	Fixed map[string]string
	// File is the configuration file, if there is one.
	File string
	// Load reads the configuration again; nil: it cannot change.
	Load func() (Config, error)
}

// Exit is what an exit reaches in place of the internet.
type Exit struct {
	Resolver gate.Resolver
	// Allow are addresses that are taken for public ones, and Connect connects to them.
	Allow   []netip.AddrPort
	Connect func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// ProxyConfig is what the proxies do.
type ProxyConfig struct {
	HTTP, SOCKS string // host:port; empty leaves a proxy out
	// DialTimeout bounds a dial, IdleTimeout a stream that moves nothing; 0 is the default.
	DialTimeout, IdleTimeout time.Duration
	Rules                    []proxies.Rule
	// Users is the users file; empty lets everybody in. Auth is how they say who they are to the HTTP proxy.
	Users, Auth string
	Isolation   proxies.IsolationPolicy
	Limits      IsolationLimits
	// AddressHelper follows ?i2paddresshelper= links; Jump are URLs that look names up.
	AddressHelper bool
	Jump          []string
}

// FromConfig turns a configuration into that of the packages. The error is config.Errors.
func FromConfig(l *config.Loaded) (Config, error) {
	c := l.Config
	cfg := Config{
		Router: router.Config{
			DataDir: c.DataDir, NetworkID: c.Router.NetworkID, AllowPrivate: c.Router.AllowPrivatePeers,
			Floodfill: c.Router.Floodfill == config.FloodfillOn, FloodfillAuto: c.Router.Floodfill == config.FloodfillAuto,
			NoTransit: !c.Router.Transit,
			Bandwidth: bandwidth.Config{Inbound: c.Router.Bandwidth.Inbound, Outbound: c.Router.Bandwidth.Outbound, Share: c.Router.Bandwidth.Share},
			Hidden:    c.Router.Hidden, NoIPv4: !c.Router.IPv4, NoIPv6: !c.Router.IPv6,
			NTCP2:       router.Endpoint{Disabled: !c.Router.NTCP2.Enabled, Listen: c.Router.NTCP2.Listen, Advertise: c.Router.NTCP2.Advertise},
			SSU2:        router.Endpoint{Disabled: !c.Router.SSU2.Enabled, Listen: c.Router.SSU2.Listen, Advertise: c.Router.SSU2.Advertise},
			Batching:    c.Router.SSU2.Batching,
			PortMapping: c.Router.PortMapping, PostQuantum: c.Router.PostQuantum, Upstream: c.Router.Upstream,
			Reseed: c.Router.Reseed.Files,
		},
		Tunnels: router.Tunnels{Length: hops(c.Router.Tunnels.Length), Quantity: c.Router.Tunnels.Quantity},
		Proxies: ProxyConfig{
			HTTP: c.Proxies.HTTP.Listen, SOCKS: c.Proxies.SOCKS.Listen, DialTimeout: c.Proxies.DialTimeout, IdleTimeout: c.Proxies.IdleTimeout,
			Rules: ProxyRules(c), Users: c.Proxies.UsersFile, Auth: c.Proxies.HTTP.Auth,
			Limits: IsolationLimits{
				Destinations: c.Proxies.Isolation.Destinations, Idle: c.Proxies.Isolation.Idle, Prewarm: c.Proxies.Isolation.Prewarm,
			},
			AddressHelper: c.Proxies.HTTP.AddressHelper, Jump: c.Proxies.HTTP.Jump,
		},
		Plugins: host.Desired{Plugins: map[string]host.PluginConfig{}, Tunnels: map[string]host.TunnelConfig{}},
		State:   c.DataDir,
		File:    l.File,
		Fixed:   map[string]string{},
		Control: ControlPath(c.DataDir),
	}
	for _, s := range l.Settings() {
		if s.Key == "data_dir" || strings.HasPrefix(s.Key, "log.") || strings.HasPrefix(s.Key, "router.") {
			cfg.Fixed[s.Key] = s.Value
		}
	}
	if c.Router.Upstream != "" { // the setting is shown without its password, which may be what changed
		cfg.Fixed["router.upstream"] = fmt.Sprintf("%x", sha256.Sum256([]byte(c.Router.Upstream)))
	}
	var errs config.Errors
	check := func(key string, err error) {
		if err != nil {
			errs = append(errs, &config.Error{Key: key, Origin: l.Origin(key), Err: err})
		}
	}
	var err error
	cfg.Proxies.Isolation, err = proxies.ParseIsolation(c.Proxies.Isolation.By)
	check("proxies.isolation.by", err)
	_, err = proxies.NewRules(cfg.Proxies.Rules)
	check("proxies.rules", err)
	check("router", cfg.Router.Validate())
	for name, p := range c.Plugins {
		cfg.Plugins.Plugins[name] = host.PluginConfig{
			Path: p.Path, SHA256: p.SHA256, Permissions: p.Permissions, Memory: int64(p.Memory), Files: p.Files,
			Disabled: p.Enabled != nil && !*p.Enabled,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		t, err := tunnelConfig(c.Tunnels[name], c.DataDir)
		check("tunnels."+name, err)
		cfg.Plugins.Tunnels[name] = t
	}
	if len(errs) > 0 {
		return cfg, errs
	}
	return cfg, nil
}

// hops is a length as the router takes it, for which 0 is the default.
func hops(length int) int {
	if length == 0 {
		return -1
	}
	return length
}

// ProxyRules are the rules of a configuration as the proxies take them.
func ProxyRules(c config.Config) []proxies.Rule {
	out := make([]proxies.Rule, 0, len(c.Proxies.Rules))
	for _, r := range c.Proxies.Rules {
		rule := proxies.Rule{
			Name: r.Name, Match: r.Match, Listener: r.Listener, User: r.User, Ports: r.Ports, Methods: r.Methods,
			Action: proxies.Action(r.Action), Via: r.Via,
		}
		if r.Length != nil {
			rule.Length = hops(*r.Length)
		}
		if r.Quantity != nil {
			rule.Quantity = *r.Quantity
		}
		out = append(out, rule)
	}
	return out
}

// tunnelConfig takes what the host itself uses out of [tunnels.NAME]; the rest is for the plugin.
func tunnelConfig(section map[string]any, dataDir string) (t host.TunnelConfig, err error) {
	t.Enabled = true
	rest := maps.Clone(section)
	var errs []error
	take := func(key string, into any) {
		value, ok := rest[key]
		if !ok {
			return
		}
		delete(rest, key)
		good := false
		switch into := into.(type) {
		case *string:
			*into, good = value.(string)
		case *bool:
			*into, good = value.(bool)
		case *int:
			*into, good = integer(value)
		}
		if !good {
			errs = append(errs, fmt.Errorf("%s: %v is of the wrong type", key, value))
		}
	}
	length, hasLength := 0, false
	_, hasLength = rest["length"]
	take("type", &t.Type)
	take("enabled", &t.Enabled)
	take("keys", &t.KeyFile)
	take("length", &length)
	take("quantity", &t.Quantity)
	take("max_connections", &t.MaxConnections)
	if hasLength {
		t.Length = hops(length)
	}
	if length < 0 || length > 7 {
		errs = append(errs, fmt.Errorf("length: want 0 to 7, not %d", length))
	}
	if t.Quantity < 0 || t.Quantity > 16 {
		errs = append(errs, fmt.Errorf("quantity: want 1 to 16, not %d", t.Quantity))
	}
	if t.KeyFile != "" && !filepath.IsAbs(t.KeyFile) {
		if strings.Contains(t.KeyFile, "..") {
			errs = append(errs, errors.New("keys: want a file below the data directory, or an absolute path"))
		}
		// Absolute: the host puts others below its own folder.
		file, err := filepath.Abs(filepath.Join(dataDir, t.KeyFile))
		errs = append(errs, err)
		t.KeyFile = file
	}
	t.Settings = rest
	return t, errors.Join(errs...)
}

// integer reads a number as TOML, JSON or a program gives it.
func integer(value any) (int, bool) {
	switch v := value.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	}
	return 0, false
}
