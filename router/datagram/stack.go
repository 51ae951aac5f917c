package datagram

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// A Stack is the datagrams of one destination. It is safe for concurrent use. Run has to be running for packets to
// destinations whose LeaseSet is not known.
type Stack struct {
	keys    *i2p.DestinationKeys
	hash    i2p.Hash
	carrier Carrier
	clk     *clock.Clock
	log     *slog.Logger
	senders senders
	waiting waiting
	peers   peers
	stats   stats

	mu    sync.RWMutex // a leaf
	ended bool
	conns [kinds]map[uint16]*Conn
	open  int
}

// New returns the Stack of the destination of keys. It starts nothing.
func New(keys *i2p.DestinationKeys, carrier Carrier, clk *clock.Clock, log *slog.Logger) (*Stack, error) {
	if keys == nil || carrier == nil || clk == nil || log == nil {
		return nil, errors.New("datagram: keys, carrier, clock and logger are needed")
	}
	s := &Stack{
		keys: keys, hash: keys.Destination.Hash(), carrier: carrier, clk: clk, log: log,
		senders: newSenders(), waiting: newWaiting(), peers: newPeers(),
	}
	for k := range s.conns {
		s.conns[k] = make(map[uint16]*Conn)
	}
	return s, nil
}

// Hash is that of the destination.
func (s *Stack) Hash() i2p.Hash { return s.hash }

// Run looks LeaseSets up for packets that wait for them until ctx ends; then all Conns are closed.
func (s *Stack) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range lookups {
		workers.Go(func() { s.lookupLoop(ctx) })
	}
	defer s.end()
	defer workers.Wait()
	sweep := time.NewTicker(sweepPause)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sweep.C:
			now := time.Now()
			s.waiting.sweep(now)
			s.peers.sweep(now)
		}
	}
}

func (s *Stack) end() {
	s.mu.Lock()
	s.ended = true
	var all []*Conn
	for _, conns := range s.conns {
		for _, c := range conns {
			all = append(all, c)
		}
	}
	s.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
	s.drop(DropNoLeaseSet, s.waiting.end()...)
}

// ListenConfig of a Conn.
type ListenConfig struct {
	Kind Kind
	// Port of ours: 0 takes what comes for ports that no other Conn of the kind has, and sends without a port.
	Port uint16
	// AnyPort draws a free port from 1024 on instead: for clients, whose peers tell them apart by it.
	AnyPort bool
	// Answers takes raw datagrams to Port, too, if they come from the port of a peer that this Conn exchanged
	// datagrams with within two minutes, and if only one peer has that port. Nothing else proves who sent them. i2pd's UDP
	// tunnels send most of what they send that way, all answers first of all. Not for KindRaw.
	Answers bool
}

// Listen opens a Conn: ErrInUse, ErrTooMany, net.ErrClosed.
func (s *Stack) Listen(cfg ListenConfig) (*Conn, error) {
	if !cfg.Kind.Known() {
		return nil, errors.New("datagram: unknown kind")
	}
	c := newConn(s, cfg)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, net.ErrClosed
	}
	if s.open == maxConns {
		return nil, ErrTooMany
	}
	if cfg.AnyPort {
		if c.port = s.freePort(); c.port == 0 {
			return nil, ErrInUse
		}
	}
	taken := func(k Kind) bool { return s.conns[k.index()][c.port] != nil }
	if taken(cfg.Kind) || c.contacts != nil && taken(KindRaw) {
		return nil, ErrInUse
	}
	s.conns[cfg.Kind.index()][c.port] = c
	if c.contacts != nil {
		s.conns[KindRaw.index()][c.port] = c
	}
	s.open++
	return c, nil
}

// freePort draws a port that no kind has. maxConns leaves most of them free. s.mu is held.
func (s *Stack) freePort() uint16 {
	const first = 1024
	for range 100 {
		p := uint16(first + rand.IntN(1<<16-first))
		free := true
		for _, conns := range s.conns {
			free = free && conns[p] == nil
		}
		if free {
			return p
		}
	}
	return 0
}

// forget takes c out of the tables.
func (s *Stack) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conns := range s.conns {
		if conns[c.port] == c {
			delete(conns, c.port)
		}
	}
	s.open--
}

// conn finds who takes a datagram. Some senders do not name a port: a single Conn gets these too.
func (s *Stack) conn(k Kind, port uint16) *Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	conns := s.conns[k.index()]
	if c := conns[port]; c != nil {
		return c
	}
	if c := conns[0]; c != nil {
		return c
	}
	if port == 0 && len(conns) == 1 {
		for _, c := range conns {
			return c
		}
	}
	return nil
}

// Deliver takes packets that arrived. The slice is lent, the buffers move. It does not block: what does not fit the queue of
// its Conn is dropped, the newest.
func (s *Stack) Deliver(k Kind, p Ports, packets []*buf.Buf) {
	if !k.Known() {
		s.drop(DropNobody, packets...)
		return
	}
	c := s.conn(k, p.To)
	if c == nil {
		s.drop(DropNobody, packets...)
		return
	}
	for _, b := range packets {
		if !c.offer(arrived{b, k, p}) {
			s.drop(DropQueueFull, b)
		}
	}
}

// send passes a packet on, or lets it wait for a LeaseSet.
func (s *Stack) send(to i2p.Hash, k Kind, p Ports, b *buf.Buf) error {
	known := s.carrier.Known(to)
	switch s.waiting.add(to, known, queued{k, p, b}, time.Now()) {
	case waitGo:
		return s.transmit(to, k, p, b)
	case waitFull:
		s.drop(DropWaitFull, b)
	case waitFailed:
		s.drop(DropNoLeaseSet, b)
	}
	return nil
}

// transmit gives a packet to the Carrier.
func (s *Stack) transmit(to i2p.Hash, k Kind, p Ports, b *buf.Buf) error {
	size := b.Len()
	if err := s.carrier.Send(to, k, p, b); err != nil {
		s.stats.drops[DropUnsent].Add(1)
		return err
	}
	s.stats.sent.Add(1)
	s.stats.sentBytes.Add(uint64(size))
	if s.peers.sent(to, time.Now()) && s.waiting.request(to, true) {
		s.stats.refreshes.Add(1)
	}
	return nil
}

// drop releases and counts.
func (s *Stack) drop(why Drop, packets ...*buf.Buf) {
	s.stats.drops[why].Add(uint64(len(packets)))
	for _, b := range packets {
		b.Release()
	}
}
