package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// client is one udp-client tunnel.
type client struct {
	tunnel   *sdk.Tunnel
	settings clientSettings
	to       net.Addr      // of the destination
	peer     visitors.Peer // who has to answer
	port     uint16        // the destination's
	local    net.PacketConn
	lanes    *lanes
	readers  sync.WaitGroup

	sent, received, strangers, noRoom, lost *sdk.Counter
}

// runClient serves until ctx ends or the tunnel drains.
func runClient(ctx context.Context, t *sdk.Tunnel, s clientSettings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &client{
		tunnel: t, settings: s, lanes: newLanes(s.Senders),
		sent:      t.Counter("sent", "datagrams to the destination"),
		received:  t.Counter("received", "datagrams from it"),
		strangers: t.Counter("strangers", "datagrams from others, which were dropped"),
		noRoom:    t.Counter("no_room", "packets of applications beyond max_senders, which were dropped"),
		lost:      t.Counter("lost", "packets that could not be sent"),
	}
	t.Gauge("senders", "applications that sent or got something lately", func() float64 { return float64(c.lanes.used()) })
	var err error
	if c.peer, c.port, err = find(ctx, t, s.Destination); err != nil {
		return err
	}
	c.to = i2pAddr(net.JoinHostPort(c.peer.Base32(), strconv.Itoa(int(c.port))))
	if c.local, err = t.ListenLocalPacket(s.Listen); err != nil {
		return err
	}
	first, err := c.open(ctx) // fails now if it ever will
	if err != nil {
		return err
	}
	c.lanes.add(first)
	t.Started()

	var running sync.WaitGroup
	defer func() {
		cancel()
		_ = c.local.Close()
		running.Wait() // nobody opens a lane any more
		c.lanes.close()
		c.readers.Wait()
	}()
	running.Go(func() { c.sweep(ctx) })
	over := make(chan error, 1)
	running.Go(func() { over <- c.fromLocal(ctx) })
	select {
	case <-ctx.Done():
		return nil
	case <-t.Draining():
		return nil // whoever goes on sending does so to the next process
	case err := <-over:
		return err
	}
}

// find reads an address, and asks the address book for a name.
func find(ctx context.Context, t *sdk.Tunnel, address string) (p visitors.Peer, port uint16, err error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return p, 0, err
	}
	if p, err = visitors.ParsePeer(host); err == nil {
		return p, port, nil
	}
	a, err := t.Lookup(ctx, host)
	if err != nil {
		return p, 0, fmt.Errorf("destination: %w", err)
	}
	p, err = visitors.ParsePeer(a.Base32)
	return p, port, err
}

// fromLocal sends what applications send, each in its lane.
func (c *client) fromLocal(ctx context.Context) error {
	p := make([]byte, maxDatagram)
	for {
		n, from, err := c.local.ReadFrom(p)
		if err != nil {
			return ended(ctx, c.tunnel, err)
		}
		l, room := c.lanes.of(from.String(), time.Now())
		if l == nil && room {
			if l, err = c.open(ctx); err != nil {
				c.lost.Add(1)
				continue
			}
			l.take(from.String(), time.Now())
			c.lanes.add(l)
		}
		if l == nil {
			c.noRoom.Add(1)
			continue
		}
		if _, err := l.out().WriteTo(p[:n], c.to); err != nil {
			c.lost.Add(1)
			continue
		}
		c.sent.Add(1)
	}
}

// fromLane gives an application its answers.
func (c *client) fromLane(l *lane, conn net.PacketConn, raw bool) {
	p := make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFrom(p)
		if err != nil {
			return // the lane is closed, or the tunnel ends
		}
		if !c.mayAnswer(from.String(), raw) {
			c.strangers.Add(1)
			continue
		}
		to, ok := l.sender(time.Now())
		if !ok {
			c.strangers.Add(1)
			continue
		}
		if _, err := c.local.WriteTo(p[:n], sdk.Addr{Net: "udp", Address: to}); err != nil {
			c.lost.Add(1)
			continue
		}
		c.received.Add(1)
	}
}

// mayAnswer: a datagram that names its sender has to name the destination; a raw one has to come from its port.
func (c *client) mayAnswer(from string, raw bool) bool {
	host, port, err := splitAddress(from)
	if err != nil {
		return false
	}
	if raw {
		return port == c.port
	}
	p, err := visitors.ParsePeer(host)
	return err == nil && p == c.peer
}

// sweep forgets applications that were quiet.
func (c *client) sweep(ctx context.Context) {
	tick := time.NewTicker(min(sweepTime, c.settings.Idle/2))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.lanes.expire(time.Now(), c.settings.Idle)
		}
	}
}
