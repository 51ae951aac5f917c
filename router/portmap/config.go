package portmap

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// Transport is what a port is of.
type Transport uint8

// The transports of ports.
const (
	UDP Transport = iota
	TCP
)

func (t Transport) String() string {
	if t == TCP {
		return "TCP"
	}
	return "UDP"
}

// Protocol is how a gateway was asked.
type Protocol uint8

// The protocols, in the order of preference. None means that there is no mapping.
const (
	None Protocol = iota
	PCP
	NATPMP
	UPnP
)

func (p Protocol) String() string {
	return [...]string{"none", "PCP", "NAT-PMP", "UPnP"}[min(p, UPnP)]
}

// A Port is one that the router listens on.
type Port struct {
	Transport Transport
	Internal  uint16
	// External is the port to ask for outside; 0 stands for Internal.
	External uint16
}

// A State is what became of one port.
type State struct {
	Port     Port
	Protocol Protocol
	// Gateway is where the gateway answers.
	Gateway netip.AddrPort
	// External is where peers outside reach the port. Not valid without a mapping.
	External netip.AddrPort
	// DoubleNAT tells that External is itself of a private network: there is a mapping, but it leads nowhere, and is not to be
	// published.
	DoubleNAT bool
	// Lease is how long the mapping lives from Renewed; 0 for one that the gateway holds for ever.
	Lease   time.Duration
	Renewed time.Time
	// Err is why there is no mapping, or why the last renewal failed.
	Err error
}

// Public reports whether External may be published.
func (s State) Public() bool { return s.External.IsValid() && !s.DoubleNAT }

// Config configures a Mapper.
type Config struct {
	// Ports to map, at most 8.
	Ports []Port
	// Gateway is the IPv4 address of the gateway. Not valid: the default gateway of the system.
	Gateway netip.Addr
	// Search is where the search for UPnP devices goes: 239.255.255.250:1900 if not valid.
	Search netip.AddrPort
	// Local is the IPv4 source address to use. Not valid: the one that leads to Gateway.
	Local netip.Addr
	// Source, if set, is the IPv4 address that packets to the internet leave from. A gateway that another one leads to is not
	// asked: it forwards an address that is not that of our traffic, which goes through a VPN.
	Source func() netip.Addr
	// Disabled takes protocols away.
	Disabled []Protocol
	// Lease to ask for; DefaultLease if zero.
	Lease time.Duration
	// RenewMin is the least time between two renewals, however short the lease is; 30 s if zero.
	RenewMin time.Duration
	// AllowPrivate takes private external addresses for good: a test network.
	AllowPrivate bool
	// Changed, if set, hears of each state that changed. It is called from Run and must not block.
	Changed func(State)
	Logger  *slog.Logger
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	switch {
	case len(c.Ports) == 0:
		return errors.New("portmap: no ports to map")
	case len(c.Ports) > maxPorts:
		return errors.New("portmap: too many ports")
	case c.Lease < 0 || c.Lease > maxLease:
		return errors.New("portmap: lease is not within 0..24h")
	case c.RenewMin < 0:
		return errors.New("portmap: least time between renewals is negative")
	}
	if g := c.Gateway; g.IsValid() && !g.Unmap().Is4() {
		return errors.New("portmap: gateway is no IPv4 address")
	}
	for _, p := range c.Ports {
		if p.Internal == 0 || p.Transport > TCP {
			return errors.New("portmap: port 0 or of no transport")
		}
	}
	return nil
}
