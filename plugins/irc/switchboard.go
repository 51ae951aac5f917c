package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/irc/filter"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// switchboard makes the direct connections of a tunnel's clients (DCC):
//
//	our client offers   peer -> I2P port of our destination -> where the client listens, one of dcc_client
//	a peer offers       client -> one of dcc_listen -> I2P port of the peer's destination
//
// An offer is good for one connection within offerTime.
type switchboard struct {
	tunnel  *sdk.Tunnel
	i2p     net.Listener      // all ports of our destination
	clients map[uint16]string // of dcc_client, by port
	slots   []*slot
	visits  *visitors.Book
	now     func() time.Time

	mu     sync.Mutex
	offers map[uint16]*offer // of our clients, by I2P port

	made, refused  *sdk.Counter
	sent, received atomic.Uint64 // to and from peers
}

// offer of one of our clients.
type offer struct {
	peer   string // to whom
	client uint16 // where the client listens
	until  time.Time
}

// slot is one of dcc_listen. Its fields below are the switchboard's.
type slot struct {
	listener net.Listener
	address  netip.AddrPort

	peer, host string // whose offer it leads to; host is empty while it is free
	port       uint16
	until      time.Time
}

var _ filter.DCCPorts = (*switchboard)(nil)

// openSwitchboard opens all listeners.
func openSwitchboard(t *sdk.Tunnel, s clientSettings) (*switchboard, error) {
	b := &switchboard{
		tunnel: t, clients: make(map[uint16]string), offers: make(map[uint16]*offer), now: time.Now,
		visits: visitors.NewBook(visitors.Limits{
			Peer:  visitors.Rate{PerMinute: dccPeerMinute, PerHour: dccPeerHour},
			Total: visitors.Rate{PerMinute: dccTotalMinute, PerHour: dccTotalHour},
		}),
		made:    t.Counter("dcc_connections", "direct connections that were made"),
		refused: t.Counter("dcc_refused", "direct connections that were refused: nothing was offered there, or too many"),
	}
	t.Gauge("dcc_sent_bytes", "sent to peers directly", func() float64 { return float64(b.sent.Load()) })
	t.Gauge("dcc_received_bytes", "received from peers directly", func() float64 { return float64(b.received.Load()) })
	for _, address := range s.DCCClient {
		port, err := portOf(address)
		if err != nil {
			return nil, fmt.Errorf("dcc_client: %w", err)
		}
		b.clients[port] = address
	}
	for _, address := range s.DCCListen {
		l, err := t.ListenLocal(address)
		if err != nil {
			return nil, fmt.Errorf("dcc_listen: %w", err)
		}
		bound, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("dcc_listen: %w", err)
		}
		b.slots = append(b.slots, &slot{listener: l, address: bound})
	}
	var err error
	if b.i2p, err = t.Listen(0); err != nil {
		return nil, err
	}
	return b, nil
}

// serve takes connections on both sides until ctx ends, or the tunnel drains and the connections have ended.
func (b *switchboard) serve(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { b.log(b.tunnel.Serve(ctx, b.i2p, b.fromPeer)) })
	for _, s := range b.slots {
		all.Go(func() {
			b.log(b.tunnel.Serve(ctx, s.listener, func(ctx context.Context, c net.Conn) { b.fromClient(ctx, s, c) }))
		})
	}
	all.Wait()
}

func (b *switchboard) log(err error) {
	if err != nil {
		b.tunnel.Log.Warn("direct connections ended", "error", err)
	}
}

var errNoSlot = errors.New("too many offers wait already: take one, or wait for 10 minutes")

// Offer implements filter.DCCPorts.
func (b *switchboard) Offer(ctx context.Context, peer string, port uint16) (host string, i2pPort uint16, err error) {
	if b.clients[port] == "" {
		return "", 0, fmt.Errorf("port %d is not in the setting dcc_client: let the IRC client use ports that are", port)
	}
	stat, err := b.tunnel.Stat(ctx)
	if err != nil || stat.Address.Base32 == "" {
		return "", 0, errors.New("the tunnel has no destination yet")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(port)
	for i2pPort = randomPort(); b.offers[i2pPort] != nil; i2pPort = randomPort() {
	}
	b.offers[i2pPort] = &offer{peer: peer, client: port, until: b.now().Add(offerTime)}
	return stat.Address.Base32, i2pPort, nil
}

func randomPort() uint16 { return uint16(firstPort + rand.IntN(1<<16-firstPort)) }

// forget ends offers that are late, that of a client's port which is offered anew, and the oldest while there are too many.
func (b *switchboard) forget(port uint16) {
	for p, o := range b.offers {
		if o.client == port || b.now().After(o.until) {
			delete(b.offers, p)
		}
	}
	for len(b.offers) >= maxOffers {
		var oldest uint16
		for p, o := range b.offers {
			if b.offers[oldest] == nil || o.until.Before(b.offers[oldest].until) {
				oldest = p
			}
		}
		delete(b.offers, oldest)
	}
}

// Take implements filter.DCCPorts.
func (b *switchboard) Take(_ context.Context, peer, host string, port uint16) (netip.AddrPort, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.slots {
		if s.host == "" || b.now().After(s.until) {
			s.peer, s.host, s.port, s.until = peer, host, port, b.now().Add(offerTime)
			return s.address, nil
		}
	}
	return netip.AddrPort{}, errNoSlot
}

// Port implements filter.DCCPorts.
func (b *switchboard) Port(peer string, port uint16, way filter.Way) (uint16, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch way {
	case filter.OfferedToClient:
		if o := b.offers[port]; o != nil && o.peer == peer && b.now().Before(o.until) {
			return o.client, true
		}
	case filter.OfferedToPeer:
		for i2pPort, o := range b.offers {
			if o.client == port && o.peer == peer && b.now().Before(o.until) {
				return i2pPort, true
			}
		}
	case filter.TakenToPeer, filter.TakenToClient:
		for _, s := range b.slots {
			if s.host == "" || s.peer != peer || b.now().After(s.until) {
				continue
			}
			if way == filter.TakenToPeer && s.address.Port() == port {
				return s.port, true
			}
			if way == filter.TakenToClient && s.port == port {
				return s.address.Port(), true
			}
		}
	}
	return 0, false
}

// fromPeer is a peer that connects to what one of our clients offered.
func (b *switchboard) fromPeer(ctx context.Context, c net.Conn) {
	address, _ := sdk.PeerOf(c)
	peer, err := visitors.ParsePeer(address.Base32)
	if err != nil {
		b.refused.Add(1)
		return
	}
	if _, v := b.visits.Request(b.now(), peer); v != visitors.Welcome {
		b.refused.Add(1)
		return
	}
	b.mu.Lock()
	o := b.offers[uint16(sdk.LocalPort(c))]
	delete(b.offers, uint16(sdk.LocalPort(c)))
	b.mu.Unlock()
	if o == nil || b.now().After(o.until) {
		b.refused.Add(1)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialling, stop := context.WithTimeout(ctx, dccDialTime)
	local, err := b.tunnel.DialLocal(dialling, b.clients[o.client], "")
	stop()
	if err != nil {
		b.refused.Add(1)
		b.tunnel.Log.Info("the IRC client does not answer at a port that it offered", "error", err)
		return
	}
	b.join(ctx, local, c)
}

// fromClient is our client that takes what a peer offered.
func (b *switchboard) fromClient(ctx context.Context, s *slot, c net.Conn) {
	b.mu.Lock()
	host, port, late := s.host, s.port, b.now().After(s.until)
	s.host = ""
	b.mu.Unlock()
	if host == "" || late {
		b.refused.Add(1)
		return
	}
	dialling, stop := context.WithTimeout(ctx, dccDialTime)
	remote, err := b.tunnel.Dial(dialling, fmt.Sprintf("%s:%d", host, port))
	stop()
	if err != nil {
		b.refused.Add(1)
		b.tunnel.Log.Info("a direct connection failed", "error", reason(err))
		return
	}
	b.join(ctx, c, remote)
}

func (b *switchboard) join(ctx context.Context, local, remote net.Conn) {
	b.made.Add(1)
	relay.Join(ctx, local, remote, relay.Limits{Idle: dccIdle, Linger: dccLinger}, &b.sent, &b.received)
}
