package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// server is one udp-server tunnel.
type server struct {
	tunnel *sdk.Tunnel
	ctx    context.Context //nolint:containedctx // that of Run
	now    atomic.Pointer[serverVersion]
	visits *visitors.Book
	rates  *rates
	conn   net.PacketConn // of the kind
	peers  *peers

	received, sent, denied, limited, strangers, lost *sdk.Counter
}

// serverVersion is what changes when the settings do.
type serverVersion struct {
	serverSettings
	lists visitors.Lists
}

func newServerVersion(ctx context.Context, t *sdk.Tunnel, s serverSettings) (*serverVersion, error) {
	allow, err := resolve(ctx, t, s.Allow)
	if err != nil {
		return nil, fmt.Errorf("access_list: %w", err)
	}
	deny, err := resolve(ctx, t, s.Deny)
	if err != nil {
		return nil, fmt.Errorf("deny_list: %w", err)
	}
	l, err := visitors.NewLists(allow, deny)
	return &serverVersion{s, l}, err
}

// resolve asks the address book for the names in a list.
func resolve(ctx context.Context, t *sdk.Tunnel, list []string) (out []string, err error) {
	for _, e := range list {
		if _, err := visitors.ParsePeer(e); err != nil {
			a, err := t.Lookup(ctx, e)
			if err != nil {
				return nil, err
			}
			e = a.Base32
		}
		out = append(out, e)
	}
	return out, nil
}

// runServer serves until ctx ends or the tunnel drains.
func runServer(ctx context.Context, t *sdk.Tunnel, settings serverSettings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v, err := newServerVersion(ctx, t, settings)
	if err != nil {
		return err
	}
	s := &server{
		tunnel: t, ctx: ctx, visits: visitors.NewBook(settings.limits()), rates: newRates(settings), peers: newPeers(),
		received:  t.Counter("received", "datagrams from I2P, passed on to the local server"),
		sent:      t.Counter("sent", "answers"),
		denied:    t.Counter("denied", "datagrams of peers that the lists refuse"),
		limited:   t.Counter("limited", "datagrams over a limit"),
		strangers: t.Counter("strangers", "raw datagrams that are not clearly of one peer, and names that are none"),
		lost:      t.Counter("lost", "datagrams and answers that could not be passed on"),
	}
	s.now.Store(v)
	t.Gauge("sessions", "ports of destinations that sent or got something lately", func() float64 { return float64(s.peers.len()) })
	sdk.OnReload(t, func(next serverSettings) bool {
		was := s.now.Load()
		if next.Target != was.Target || next.Port != was.Port || next.Kind != was.Kind || next.takesRaw() != was.takesRaw() ||
			next.UniqueLocal != was.UniqueLocal {
			return false
		}
		v, err := newServerVersion(ctx, t, next)
		if err != nil {
			return false // the start says why
		}
		s.visits.SetLimits(next.limits())
		s.rates.set(next)
		s.now.Store(v)
		s.peers.dismiss(v.lists)
		return true
	})

	if s.conn, err = t.ListenPacket(kinds[settings.Kind], settings.Port); err != nil {
		return err
	}
	conns := []net.PacketConn{s.conn}
	if settings.takesRaw() {
		raw, err := t.ListenPacket(sdk.Raw, settings.Port)
		if err != nil {
			return fmt.Errorf("raw datagrams: %w", err)
		}
		conns = append(conns, raw)
	}
	t.Started()

	var running sync.WaitGroup
	defer running.Wait()
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
		s.peers.close()
	}()
	defer cancel()
	over := make(chan error, len(conns))
	for i, c := range conns {
		running.Go(func() { over <- s.fromI2P(c, i > 0 || settings.Kind == "raw") })
	}
	running.Go(func() { s.sweep() })
	select {
	case <-ctx.Done():
		return nil
	case <-t.Draining():
		return nil // whoever goes on sending does so to the next process
	case err := <-over:
		return err
	}
}

// fromI2P passes on what arrives.
func (s *server) fromI2P(c net.PacketConn, raw bool) error {
	p := make([]byte, maxDatagram)
	for {
		n, from, err := c.ReadFrom(p)
		if err != nil {
			return ended(s.ctx, s.tunnel, err)
		}
		s.arrived(p[:n], from.String(), raw)
	}
}

func (s *server) arrived(p []byte, from string, raw bool) {
	to, ok := s.obtain(from, raw)
	if !ok {
		return
	}
	if !s.rates.allow(to.peer, time.Now()) {
		s.limited.Add(1)
		return
	}
	if _, err := to.local.Write(p); err != nil {
		s.lost.Add(1)
		s.peers.remove(to)
		return
	}
	to.touch(time.Now())
	s.received.Add(1)
}

// obtain finds the session that a datagram belongs to, or makes it.
func (s *server) obtain(from string, raw bool) (*session, bool) {
	v := s.now.Load()
	host, port, err := splitAddress(from)
	if err != nil {
		s.strangers.Add(1)
		return nil, false
	}
	var peer visitors.Peer
	switch {
	case raw && v.Kind == "raw": // nobody in particular
	case raw:
		to, ok := s.peers.only(port)
		if !ok {
			s.strangers.Add(1)
		}
		return to, ok
	default:
		if peer, err = visitors.ParsePeer(host); err != nil {
			s.strangers.Add(1)
			return nil, false
		}
	}
	if !v.lists.Allows(peer) {
		s.denied.Add(1)
		return nil, false
	}
	if to, ok := s.peers.get(from); ok {
		return to, true
	}
	_, verdict := s.visits.Request(time.Now(), peer)
	var leave func()
	if verdict == visitors.Welcome {
		leave, verdict = s.visits.Open(peer)
	}
	if verdict != visitors.Welcome {
		s.limited.Add(1)
		return nil, false
	}
	local, err := s.dial(v, peer)
	if err != nil {
		leave()
		s.lost.Add(1)
		return nil, false
	}
	to := &session{from: from, peer: peer, port: port, local: local, leave: leave}
	to.touch(time.Now())
	return to, s.peers.add(to, func() { s.fromLocal(to, v.Kind == "raw") }) // else the tunnel ends
}

// dial makes the peer's own local socket.
func (s *server) dial(v *serverVersion, peer visitors.Peer) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, dialTime)
	defer cancel()
	if host, _, _ := net.SplitHostPort(v.Target); v.UniqueLocal && v.Kind != "raw" && isLoopback4(host) {
		// Systems other than Linux have 127.0.0.1 only.
		if c, err := s.tunnel.DialLocalPacket(ctx, v.Target, peer.Source().String()); err == nil || ctx.Err() != nil {
			return c, err
		}
	}
	return s.tunnel.DialLocalPacket(ctx, v.Target, "")
}

func isLoopback4(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().Is4() && a.IsLoopback()
}

// fromLocal gives a peer its answers, until its socket is closed.
func (s *server) fromLocal(to *session, mute bool) {
	defer s.peers.remove(to)
	p := make([]byte, maxDatagram)
	back := i2pAddr(to.from)
	for {
		n, err := to.local.Read(p)
		if err != nil {
			return
		}
		if mute {
			s.lost.Add(1)
			continue
		}
		if _, err := s.conn.WriteTo(p[:n], back); err != nil {
			s.lost.Add(1)
			continue
		}
		to.touch(time.Now())
		s.sent.Add(1)
	}
}

// sweep lets peers go that were quiet.
func (s *server) sweep() {
	for {
		idle := s.now.Load().Idle
		wait := time.NewTimer(min(sweepTime, idle/2))
		select {
		case <-s.ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
			s.peers.expire(time.Now(), idle)
		}
	}
}
