//go:build linux

package natlab

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"clove.i2p/tests/interop"
)

// Each host has all ports for itself.
const RouterPort = interop.RouterPort

// An I2pdConfig says what an i2pd router is, which has SSU2 alone.
type I2pdConfig struct {
	Floodfill bool
	Fixed     bool     // it is told its address, instead of having to find out; it believes in peer tests nevertheless
	Bandwidth string   // class: X for routers that carry, L for those that should not; empty: X
	Hops      int      // of the tunnels of the HTTP proxy
	Eepsite   bool     // a web server on the host, and a destination that shows it; its tunnels have Hops too
	Tunnels   string   // more of tunnels.conf
	LogLevel  string   // empty: warn
	Seed      []string // router.info files that it knows; nil: those of all before it
}

// An I2pd is a router that runs on a host.
type I2pd struct {
	*interop.I2pd
	Host *Host
}

// StartI2pd adds a router on a new host, and to the seed of those that come. It returns when the console answers.
//
// Start routers one by one, each with those before it for a seed: two that open sessions to each other at the same
// moment fail both, and avoid each other for minutes.
func (n *Network) StartI2pd(ctx context.Context, s Spec, cfg I2pdConfig) (*I2pd, error) {
	program, err := interop.FindI2pd()
	if err != nil {
		return nil, err
	}
	h, dir, err := n.newHost(s)
	if err != nil {
		return nil, err
	}
	r := &I2pd{interop.NewI2pd(program, dir, netip.AddrPortFrom(h.Addr(), RouterPort), interop.ConsolePort, []string{interop.SSU2}), h}
	r.Name, r.Discover, r.Floodfill, r.HTTP, r.Hops, r.LogLevel = h.Name, !cfg.Fixed, cfg.Floodfill, true, cfg.Hops, cfg.LogLevel
	if cfg.Bandwidth != "" {
		r.Bandwidth = cfg.Bandwidth
	}
	r.Enter = h.ns.enter
	r.Client = &http.Client{Transport: &http.Transport{DialContext: h.DialContext, DisableKeepAlives: true}}
	if cfg.Seed == nil {
		cfg.Seed = n.seed
	}
	if cfg.Eepsite {
		web, err := n.startWeb(h)
		if err != nil {
			return nil, err
		}
		cfg.Tunnels += ServerTunnel(eepsiteTunnel, web.Address().Port, cfg.Hops)
	}
	if err := r.SetTunnels(cfg.Tunnels); err != nil {
		return nil, err
	}
	n.stop = append(n.stop, r.Stop)
	if err := r.Start(ctx, cfg.Seed); err != nil {
		return nil, err
	}
	n.seed = append(n.seed, r.RouterInfoFile())
	return r, nil
}

// ServerTunnel is a section of tunnels.conf: a destination with keys in NAME.dat that passes its visitors on to a port of
// the host's loopback. Its tunnels go through the peers, if there are any, which are router hashes in Base64.
func ServerTunnel(name string, port, hops int, peers ...string) string {
	values := append(interop.Pool(hops, 2), "type", "server", "host", "127.0.0.1", "port", port, "keys", name+".dat", "gzip", false)
	if len(peers) > 0 {
		values = append(values, "explicitPeers", strings.Join(peers, ","))
	}
	return interop.Section(name, values...)
}

// eepsiteTunnel is the name of the tunnel of Eepsite.
const eepsiteTunnel = "eepsite"

// Site is the address of the eepsite, once the router has made its keys.
func (r *I2pd) Site(ctx context.Context) (site string, err error) {
	err = interop.Poll(ctx, 100*time.Millisecond, func() error {
		site, err = r.Base32(eepsiteTunnel + ".dat")
		return err
	})
	return site, err
}

var loopback = netip.MustParseAddr("127.0.0.1")
