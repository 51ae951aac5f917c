package testnet

import (
	"context"
	"net/netip"

	"clove.i2p/router"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// overUDP makes SSU2 the only transport of a router at addr. Behind a NAT addr is the address outside, and the router does
// not know it.
func (n *Network) overUDP(node *Node, addr netip.Addr, cfg Config) {
	path := simnet.Path{Link: simnet.Link{Delay: cfg.Delay / 2}, MTU: cfg.MTU, BlackHole: true}
	var behind *simnet.NATOptions
	if cfg.Behind != nil {
		behind = cfg.Behind(node.Index)
	}
	var h *simnet.Host
	switch {
	case behind == nil:
		h = n.Internet.Host(node.String(), addr)
	case behind.Kind == simnet.Firewall:
		h = n.Internet.NAT("firewall", *behind).Host("inside", addr)
	default:
		behind.External = addr
		node.NAT = n.Internet.NAT("NAT", *behind)
		h = node.NAT.Host("inside", netip.AddrFrom4([4]byte{192, 168, byte(node.Index), 2}))
	}
	h.SetPath(path, path)
	node.Host = h
	node.cfg.NTCP2 = router.Endpoint{Disabled: true}
	node.cfg.SSU2.Listen = netip.AddrPortFrom(addr, udpPort).String()
	if behind != nil {
		node.cfg.SSU2.Listen = ":4567"
	}
	node.cfg.NoIPv6 = true
	node.cfg.Sockets.ListenPacket = func(_ context.Context, at netip.AddrPort) (ssu2.Socket, error) {
		return h.Listen(at, udp.Options{})
	}
}

const udpPort = 4567
