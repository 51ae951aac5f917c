package router

import (
	"slices"
	"sync/atomic"
	"time"

	"clove.i2p/router/client"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/peer"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/streaming"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ntcp2"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/tunnel/pool"
	"clove.i2p/router/tunnel/transit"
)

type counters struct {
	expired, duplicate, malformed, badTunnelData, unknownType, unknownReply atomic.Uint64
	unknownTunnel, unopened, refusedClove, unsealed, loopbackDropped        atomic.Uint64
}

// Stats of a router since its start.
type Stats struct {
	// Messages that were dropped on their way in: expired or without a header, seen before, malformed, tunnel data that does not
	// decrypt, of an unknown type, replies to builds and messages of tunnels that we do not know, garlic that we cannot
	// open, cloves that are refused; and on their way out.
	Expired, Duplicate, Malformed, BadTunnelData, UnknownType, UnknownReply uint64
	UnknownTunnel, Unopened, RefusedClove, Unsealed, LoopbackDropped        uint64

	Transport   transport.Stats
	NTCP2       ntcp2.Stats // zero where it is off, as is SSU2
	SSU2        ssu2.Stats
	NetDB       netdb.Stats
	Peers       peer.Stats
	Exploratory pool.Stats
	Transit     transit.Stats
}

// Stats is a snapshot.
func (r *Router) Stats() Stats {
	c := &r.stats
	s := Stats{
		Expired: c.expired.Load(), Duplicate: c.duplicate.Load(), Malformed: c.malformed.Load(), BadTunnelData: c.badTunnelData.Load(),
		UnknownType: c.unknownType.Load(), UnknownReply: c.unknownReply.Load(), UnknownTunnel: c.unknownTunnel.Load(), Unopened: c.unopened.Load(),
		RefusedClove: c.refusedClove.Load(), Unsealed: c.unsealed.Load(), LoopbackDropped: c.loopbackDropped.Load(),
		Transport: r.mux.Stats(), NetDB: r.db.Stats(), Peers: r.book.Stats(), Exploratory: r.exploratory.Stats(), Transit: r.transit.Stats(),
	}
	if r.ntcp2 != nil {
		s.NTCP2 = r.ntcp2.Stats()
	}
	if r.ssu2 != nil {
		s.SSU2 = r.ssu2.Stats()
	}
	return s
}

// Status is what a router is doing.
type Status struct {
	Hash      i2p.Hash
	Version   string
	NetworkID int
	Caps      string
	Started   time.Time
	Skew      time.Duration
	Ready     bool
	Addresses []i2p.RouterAddress
	// Reachability tells for IPv4 and IPv6 whether others can connect to us, and why we think so.
	Reachability []reachability.Report
	// Ports are where the router listens, and Sockets how SSU2 moves packets and what buffers it got; see udp.Socket.Features.
	Ports   []Port
	Sockets []string
	// Upstream is the proxy that NTCP2 goes through; nil without one.
	Upstream *UpstreamStatus
	// Bans are the routers that we do not speak with for a while.
	Bans []transport.BannedPeer
	// Mappings are the ports that the home router forwards, or why it does not.
	Mappings     []portmap.State
	Sessions     []transport.SessionStatus
	Exploratory  []pool.Status
	Destinations []DestinationStatus
	Transit      []transit.Status
	Stats        Stats
}

// DestinationStatus is what a destination is doing.
type DestinationStatus struct {
	Hash    i2p.Hash
	Ready   bool
	Tunnels []pool.Status
	Streams int
	Stats   client.Stats
	// Streaming counts what the streams did, Datagrams what the datagrams did.
	Streaming streaming.Stats
	Datagrams datagram.Stats
}

// Status is a snapshot.
func (r *Router) Status() Status {
	ri := r.own.Load()
	s := Status{
		Hash: r.hash, Version: ProtocolVersion, NetworkID: r.cfg.NetworkID, Caps: ri.Caps(), Started: r.started, Skew: r.clock.Offset(),
		Ready: r.exploratory.Ready(), Addresses: ri.Addresses(),
		Reachability: r.reach.reports(time.Now()), Mappings: r.reach.mappings(), Sessions: r.mux.Sessions(), Exploratory: r.exploratory.Tunnels(),
		Transit: r.transit.Tunnels(), Stats: r.Stats(),
	}
	s.Ports, s.Bans, s.Upstream = r.ports(), r.mux.Bans(), r.proxy.status()
	if r.ssu2 != nil {
		s.Sockets = r.ssu2.Sockets()
	}
	r.mu.Lock()
	for _, d := range r.destinations {
		s.Destinations = append(s.Destinations, d.Status())
	}
	r.mu.Unlock()
	slices.SortFunc(s.Destinations, func(a, b DestinationStatus) int { return slices.Compare(a.Hash[:], b.Hash[:]) })
	return s
}

// Status is a snapshot.
func (d *Destination) Status() DestinationStatus {
	s := DestinationStatus{Hash: d.Hash(), Tunnels: d.session.Tunnels(), Streams: d.streams.Stats().Conns, Streaming: d.streams.Stats(), Datagrams: d.datagrams.Stats(), Stats: d.session.Stats()}
	var in, out bool
	for _, t := range s.Tunnels {
		in = in || t.Direction == pool.Inbound
		out = out || t.Direction == pool.Outbound
	}
	s.Ready = in && out
	return s
}
