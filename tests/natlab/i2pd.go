//go:build linux

package natlab

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

// Each host has all ports for itself.
const (
	RouterPort  = 9200
	consolePort = 7070
	httpPort    = 4444
)

// keysTime is how long an i2pd may take to make its keys and answer on its console, on a machine that is busy.
const keysTime = 60 * time.Second

// An I2pdConfig says what an i2pd router is.
type I2pdConfig struct {
	Host      *Host
	Dir       string // for data and logs; made anew
	NTCP2     bool   // as well as SSU2
	NoSSU2    bool
	Floodfill bool
	Fixed     bool     // it is told its address, instead of having to find out; it believes in peer tests nevertheless
	Bandwidth string   // class: X for routers that carry, L for those that should not; empty: X
	Hops      int      // of the tunnels of the HTTP proxy
	Eepsite   bool     // a web server on the host, and a destination that shows it; its tunnels have Hops too
	Tunnels   string   // more of tunnels.conf
	LogLevel  string   // empty: warn
	MTU       int      // of SSU2; 0: of the device
	Seed      []string // router.info files that it knows
}

// An I2pd is a router that runs on a host.
type I2pd struct {
	I2pdConfig
	run    *netns.Process
	client *http.Client
}

// settings are lines of i2pd's configuration, sorted so that a file is the same each time.
type settings map[string]any

func (s settings) section(name string) string {
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, "\n[%s]\n", name)
	}
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s = %v\n", k, s[k])
	}
	return b.String()
}

// pool shapes the tunnels of a destination.
func pool(hops int, more settings) settings {
	s := settings{"inbound.length": hops, "outbound.length": hops, "inbound.quantity": 2, "outbound.quantity": 2}
	maps.Copy(s, more)
	return s
}

func (r *I2pd) config() string {
	top := settings{
		"log": "file", "logfile": r.file("i2pd.log"), "loglevel": r.LogLevel, "logclftime": true, "netid": NetworkID,
		"ipv4": true, "ipv6": false, "address4": r.Host.Addr(), "port": RouterPort, "nat": !r.Fixed, "reservedrange": false,
		"floodfill": r.Floodfill, "bandwidth": r.Bandwidth, "share": 100,
	}
	if r.Fixed {
		top["host"] = r.Host.Outside()
	}
	ssu2 := settings{"enabled": !r.NoSSU2, "published": !r.NoSSU2}
	if r.MTU > 0 {
		ssu2["mtu4"] = r.MTU
	}
	off := settings{"enabled": false}
	return top.section("") +
		settings{"enabled": r.NTCP2, "published": r.NTCP2}.section("ntcp2") +
		ssu2.section("ssu2") +
		settings{"urls": "", "yggurls": "", "zipfile": r.file("seed.zip"), "verify": false}.section("reseed") +
		off.section("addressbook") + off.section("nettime") + off.section("upnp") +
		settings{"profiles": false}.section("persist") +
		settings{"transittunnels": 10000}.section("limits") +
		settings{"enabled": true, "address": "127.0.0.1", "port": consolePort, "strictheaders": false}.section("http") +
		pool(r.Hops, settings{"enabled": true, "address": "127.0.0.1", "port": httpPort}).section("httpproxy") +
		off.section("socksproxy") + off.section("sam") + off.section("bob") + off.section("i2cp") + off.section("i2pcontrol")
}

func (r *I2pd) file(name string) string { return filepath.Join(r.Dir, name) }

// StartI2pd runs a router. It returns when the console answers.
//
// Start routers one by one, each with those before it for a seed: two that open sessions to each other at the same
// moment fail both, and avoid each other for minutes.
func StartI2pd(ctx context.Context, cfg I2pdConfig) (*I2pd, error) {
	program, err := interop.FindI2pd()
	if err != nil {
		return nil, err
	}
	if cfg.Bandwidth == "" {
		cfg.Bandwidth = "X"
	}
	if cfg.LogLevel == "" {
		cfg.LogLevel = "warn"
	}
	r := &I2pd{I2pdConfig: cfg}
	r.client = &http.Client{Transport: &http.Transport{DialContext: cfg.Host.DialContext, DisableKeepAlives: true}}
	for _, d := range []string{"certificates", "tunnels.d"} {
		if err := os.MkdirAll(r.file(d), 0o700); err != nil {
			return nil, fmt.Errorf("natlab: %w", err)
		}
	}
	for name, text := range map[string]string{"i2pd.conf": r.config(), "tunnels.conf": cfg.Tunnels} {
		if err := os.WriteFile(r.file(name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("natlab: %w", err)
		}
	}
	if err := interop.WriteSeed(r.file("seed.zip"), cfg.Seed); err != nil {
		return nil, err
	}
	r.run, err = cfg.Host.Start(r.file("stdout.log"), program, "--datadir="+r.Dir, "--conf="+r.file("i2pd.conf"),
		"--tunconf="+r.file("tunnels.conf"), "--tunnelsdir="+r.file("tunnels.d"), "--certsdir="+r.file("certificates"),
		"--pidfile="+r.file("i2pd.pid"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	return r, interop.Poll(ctx, 100*time.Millisecond, func() error {
		if !r.run.Alive() {
			return fmt.Errorf("natlab: i2pd of %s ended early, see %s", cfg.Host.Name, cfg.Dir)
		}
		_, err := r.Console(ctx, "")
		return err
	})
}

// Stop ends the router.
func (r *I2pd) Stop() error { return r.run.Stop() }

// SetTunnels writes the client and server tunnels, which the router takes at once.
func (r *I2pd) SetTunnels(text string) error {
	if err := os.WriteFile(r.file("tunnels.conf"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("natlab: %w", err)
	}
	return r.run.Signal(syscall.SIGHUP)
}

// ServerTunnel is a section of tunnels.conf: a destination with keys in NAME.dat that passes its visitors on to a port of
// the host's loopback. Its tunnels go through the peers, if there are any, which are router hashes in Base64.
func ServerTunnel(name string, port, hops int, peers ...string) string {
	s := pool(hops, settings{"type": "server", "host": "127.0.0.1", "port": port, "keys": name + ".dat", "gzip": false})
	if len(peers) > 0 {
		s["explicitPeers"] = strings.Join(peers, ",")
	}
	return s.section(name)
}

// eepsiteTunnel is the name of the tunnel of Eepsite.
const eepsiteTunnel = "eepsite"

// Site is the address of the eepsite, once the router has made its keys.
func (r *I2pd) Site(ctx context.Context) (site string, err error) {
	err = interop.Poll(ctx, 100*time.Millisecond, func() error {
		site, err = r.base32(eepsiteTunnel + ".dat")
		return err
	})
	return site, err
}

// base32 is the address of a destination, whose key file this router made.
func (r *I2pd) base32(keys string) (string, error) {
	b, err := os.ReadFile(r.file(keys))
	if err != nil {
		return "", fmt.Errorf("natlab: %w", err)
	}
	d, _, err := i2p.ParseDestination(b)
	if err != nil {
		return "", fmt.Errorf("natlab: %s of %s: %w", keys, r.Host.Name, err)
	}
	return d.Base32(), nil
}

// Console reads a page of the web console: what comes after the question mark of its address.
func (r *I2pd) Console(ctx context.Context, query string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+netip.AddrPortFrom(loopback, consolePort).String()+"/?"+query, nil)
	if err != nil {
		return "", err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("natlab: console of %s: %w", r.Host.Name, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

var loopback = netip.MustParseAddr("127.0.0.1")
