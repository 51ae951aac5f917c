package router

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/tunnel/pool"
)

// Config of a router. The zero value of a field means its default.
type Config struct {
	// DataDir keeps keys, the netDb and hosts.txt. Empty: everything is in memory and gone at the end.
	DataDir string
	// NetworkID is 2, the public network, by default.
	NetworkID int
	// AllowPrivate accepts peers on private and loopback addresses; not on the public network.
	AllowPrivate bool
	// Floodfill makes this router a part of the distributed netDb. FloodfillAuto leaves that to the router, which becomes
	// one once it is fit for it; not in private networks.
	Floodfill, FloodfillAuto bool
	// NoTransit refuses other routers' tunnels; MaxTransit bounds them.
	NoTransit  bool
	MaxTransit int
	// Bandwidth, without limit by default, decides the class that is published; transit may use a Share of it, 80 %
	// by default.
	Bandwidth bandwidth.Config
	NTCP2     NTCP2
	// Reseed are files with the first RouterInfos: a router.info, a folder or a zip of them.
	Reseed []string
	// Exploratory shapes the router's own tunnels: 2 hops, 2 each by default. Length -1 means 0 hops, on private networks only.
	Exploratory Tunnels
	// Hosts is the address book: DataDir/hosts.txt by default.
	Hosts string
	// Sockets replace those of the system: networks in one process, on virtual time, have their own.
	Sockets Sockets
}

// Sockets open and accept TCP connections; nil functions mean the system's.
type Sockets struct {
	Listen func(ctx context.Context, network string, at netip.AddrPort) (net.Listener, error)
	Dial   func(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// NTCP2 says where the router listens, and what it publishes.
type NTCP2 struct {
	// Listen is host:port; ":0" by default: all addresses and a random port that is kept in DataDir. A specific IP
	// is also the source of outgoing connections.
	Listen string
	// Advertise is host or host:port to publish; by default a specific Listen address, if the network may know it.
	Advertise string
}

// Tunnels shape the tunnels of a destination, the same for both directions. The zero value is 3 hops, 3 tunnels;
// Length -1 means no hops.
type Tunnels struct {
	Length, Quantity int
}

// Defaults.
const (
	PublicNetworkID     = 2
	defaultMaxTransit   = 10_000
	defaultShare        = 80
	defaultExploratory  = 2
	defaultLength       = 3
	defaultQuantity     = 3
	exploratoryQuantity = 2
)

func (c Config) withDefaults() Config {
	if c.NetworkID == 0 {
		c.NetworkID = PublicNetworkID
	}
	if c.MaxTransit == 0 {
		c.MaxTransit = defaultMaxTransit
	}
	if c.Bandwidth.Share == 0 {
		c.Bandwidth.Share = defaultShare
	}
	if c.NTCP2.Listen == "" {
		c.NTCP2.Listen = ":0"
	}
	c.Exploratory = c.Exploratory.withDefaults(defaultExploratory, exploratoryQuantity)
	return c
}

// Validate reports the first value that is impossible.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.NetworkID < 1 || c.NetworkID > 255:
		return fmt.Errorf("router: network id %d: want 1 to 255", c.NetworkID)
	case c.AllowPrivate && c.NetworkID == PublicNetworkID:
		return fmt.Errorf("router: private peers are not possible on network %d: choose another network id", PublicNetworkID)
	case c.Exploratory.Length < 0 && c.NetworkID == PublicNetworkID:
		return fmt.Errorf("router: exploratory tunnels without hops on network %d: destinations build theirs through them, and the "+
			"gateways in their LeaseSets would see this router", PublicNetworkID)
	case c.MaxTransit < 0:
		return fmt.Errorf("router: negative number of transit tunnels")
	}
	if err := c.Bandwidth.Validate(); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if _, err := c.NTCP2.listen(); err != nil {
		return err
	}
	if _, err := c.NTCP2.advertise(); err != nil {
		return err
	}
	return c.Exploratory.pool().Validate()
}

// listen parses Listen: without a host, all addresses of both IP versions.
func (n NTCP2) listen() ([]netip.AddrPort, error) {
	if len(n.Listen) > 0 && n.Listen[0] == ':' {
		var port uint16
		if _, err := fmt.Sscanf(n.Listen, ":%d", &port); err != nil {
			return nil, fmt.Errorf("router: ntcp2 listen address %q: want host:port or :port", n.Listen)
		}
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), port), netip.AddrPortFrom(netip.IPv6Unspecified(), port)}, nil
	}
	at, err := netip.ParseAddrPort(n.Listen)
	if err != nil {
		return nil, fmt.Errorf("router: ntcp2 listen address %q: want IP:port or :port", n.Listen)
	}
	return []netip.AddrPort{at}, nil
}

// advertise parses Advertise; port 0 stands for the port that is listened on.
func (n NTCP2) advertise() ([]netip.AddrPort, error) {
	if n.Advertise == "" {
		return nil, nil
	}
	if ip, err := netip.ParseAddr(n.Advertise); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, 0)}, nil
	}
	at, err := netip.ParseAddrPort(n.Advertise)
	if err != nil {
		return nil, fmt.Errorf("router: ntcp2 advertise address %q: want IP or IP:port", n.Advertise)
	}
	return []netip.AddrPort{at}, nil
}

func (t Tunnels) withDefaults(length, quantity int) Tunnels {
	switch {
	case t.Length == 0:
		t.Length = length
	case t.Length < 0:
		t.Length = -1
	}
	if t.Quantity == 0 {
		t.Quantity = quantity
	}
	return t
}

// pool is the shape for both directions; it comes after withDefaults.
func (t Tunnels) pool() pool.Config {
	shape := pool.Shape{Length: max(t.Length, 0), Quantity: t.Quantity}
	return pool.Config{Inbound: shape, Outbound: shape}
}
