package router

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/portmap"
	"clove.i2p/router/transport/ssu2"
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
	// Hidden publishes no address and carries no tunnels of others.
	Hidden bool
	// NoIPv4 and NoIPv6 leave an IP version alone.
	NoIPv4, NoIPv6 bool
	// NTCP2 and SSU2 say where the router listens for TCP and UDP. SSU2 listens where NTCP2 does if it does not say.
	NTCP2, SSU2 Endpoint
	// Batching is how SSU2 moves packets: "auto" by default, "batched" without segmentation offload, "plain" one by one.
	Batching string
	// PortMapping asks the home router to forward the ports. It does nothing in private networks.
	PortMapping bool
	// PostQuantum are the key exchanges offered beside X25519, best first: "mlkem512", "mlkem768", "mlkem1024".
	PostQuantum []string
	// Upstream is the URL of a SOCKS5 or HTTP proxy that leads to all other routers: socks5://IP:port. It switches SSU2 and
	// listening off.
	Upstream string
	// Reseed are files with the first RouterInfos: a router.info, a folder or a zip of them.
	Reseed []string
	// Exploratory shapes the router's own tunnels: 2 hops, 2 each by default. Length -1 means 0 hops, on private networks only.
	Exploratory Tunnels
	// Hosts is the address book: DataDir/hosts.txt by default.
	Hosts string
	// portmap says where the home router is looked for: zero but in tests.
	portmap portmap.Config
	// Sockets replace those of the system: networks in one process, on virtual time, have their own.
	Sockets Sockets
}

// Sockets open and accept connections; nil functions mean the system's. With a Listen and no ListenPacket there is no SSU2.
type Sockets struct {
	Listen       func(ctx context.Context, network string, at netip.AddrPort) (net.Listener, error)
	Dial         func(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error)
	ListenPacket func(ctx context.Context, at netip.AddrPort) (ssu2.Socket, error)
}

// An Endpoint says where a transport listens, and what it publishes.
type Endpoint struct {
	Disabled bool
	// Listen is host:port; ":0" by default: all addresses and a random port that is kept in DataDir. A specific IP
	// is also the source of what goes out.
	Listen string
	// Advertise is host or host:port to publish; by default a specific Listen address, if the network may know it, or what
	// peers say is ours.
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
	if c.SSU2.Listen == "" {
		c.SSU2.Listen = c.NTCP2.Listen
	}
	if c.Upstream != "" || c.Sockets.Listen != nil && c.Sockets.ListenPacket == nil {
		c.SSU2.Disabled = true
	}
	c.NoTransit = c.NoTransit || c.Hidden
	if c.Hidden || c.Upstream != "" { // nobody can ask it
		c.Floodfill, c.FloodfillAuto = false, false
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
	if err := c.validateLinks(); err != nil {
		return err
	}
	return c.Exploratory.pool().Validate()
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
