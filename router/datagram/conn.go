package datagram

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A Conn sends and receives the datagrams of one kind on one port. It is safe for concurrent use.
type Conn struct {
	stack    *Stack
	kind     Kind
	port     uint16
	contacts *contacts // nil: no raw answers
	read     deadline

	mu     sync.Mutex // for offer and Close
	queue  chan arrived
	held   atomic.Int64 // memory in queue
	closed chan struct{}
	once   sync.Once
}

var _ net.PacketConn = (*Conn)(nil)

// arrived is a packet as it came in.
type arrived struct {
	b    *buf.Buf
	kind Kind
	Ports
}

// A Packet says what ReadPacket read.
type Packet struct {
	Kind Kind // that of the Conn, or KindRaw
	N    int  // bytes of payload that were copied
	Size int  // bytes of payload that there were
	From Addr // with a zero Hash if Kind is KindRaw and the Conn, too
	Port uint16
	// Sender is the whole address, where the packet has it: Datagram1 and Datagram2. It is shared.
	Sender  *i2p.Destination
	Options i2p.Mapping // Datagram2 and Datagram3
}

func newConn(s *Stack, cfg ListenConfig) *Conn {
	c := &Conn{stack: s, kind: cfg.Kind, port: cfg.Port, queue: make(chan arrived, queuePackets), closed: make(chan struct{})}
	c.read = newDeadline()
	if cfg.Answers && cfg.Kind != KindRaw {
		c.contacts = newContacts()
	}
	return c
}

// offer queues a packet; false if there is no room or the Conn is closed.
func (c *Conn) offer(a arrived) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isClosed(c.closed) || c.held.Load() >= queueBytes {
		return false
	}
	size := int64(a.b.Footprint()) // before it moves
	select {
	case c.queue <- a:
		c.held.Add(size)
		return true
	default:
		return false
	}
}

// ReadPacket copies the payload of the next datagram that is right into p; what does not fit is lost. Nothing is allocated
// for a Datagram1 of a known sender, a Datagram3 or raw. Errors are net.ErrClosed and os.ErrDeadlineExceeded.
func (c *Conn) ReadPacket(p []byte) (Packet, error) {
	for {
		select {
		case <-c.closed:
			return Packet{}, net.ErrClosed
		default:
		}
		past := c.read.wait()
		select {
		case <-past: // before packets that are there, as with sockets
			return Packet{}, c.timeout()
		default:
		}
		select {
		case <-c.closed:
			return Packet{}, net.ErrClosed
		case <-past:
			return Packet{}, c.timeout()
		case a := <-c.queue:
			c.held.Add(-int64(a.b.Footprint()))
			out, err := c.take(p, a)
			a.b.Release()
			if err == nil {
				c.stack.stats.received.Add(1)
				c.stack.stats.receivedBytes.Add(uint64(out.Size))
				return out, nil
			}
			c.stack.stats.drops[reason(err)].Add(1)
		}
	}
}

func (c *Conn) timeout() error {
	return &net.OpError{Op: "read", Net: "i2p", Source: c.LocalAddr(), Err: os.ErrDeadlineExceeded}
}

var errStranger = errors.New("raw, and not of a peer")

// reason is the Drop for an error of take.
func reason(err error) Drop {
	switch {
	case errors.Is(err, errStranger):
		return DropStranger
	case errors.Is(err, i2p.ErrBadSignature):
		return DropSignature
	case errors.Is(err, ErrExpired):
		return DropExpired
	}
	return DropMalformed
}

// take reads one packet.
func (c *Conn) take(p []byte, a arrived) (out Packet, err error) {
	s, b := c.stack, a.b.Bytes()
	out = Packet{Kind: a.kind, From: Addr{Port: a.From}, Port: a.To}
	payload := b
	switch a.kind {
	case KindDatagram1:
		d, err := parseDatagram1(b, s.senders.parse)
		if err != nil {
			return out, err
		}
		if !d.Verify() {
			return out, fmt.Errorf("datagram: %w", i2p.ErrBadSignature)
		}
		out.Sender, payload = d.From, d.Payload
	case KindDatagram2:
		d, err := parseDatagram2(b, s.senders.parse)
		if err != nil {
			return out, err
		}
		if err := d.Verify(s.hash, s.clk.Now()); err != nil {
			return out, err
		}
		out.Sender, out.Options, payload = d.From, d.Options, d.Payload
	case KindDatagram3:
		d, err := ParseDatagram3(b)
		if err != nil {
			return out, err
		}
		out.From.Hash, out.Options, payload = d.From, d.Options, d.Payload
	case KindRaw:
		if c.contacts != nil {
			peer, ok := c.contacts.at(a.From, time.Now())
			if !ok {
				return out, errStranger
			}
			out.From.Hash = peer
		}
	}
	if out.Sender != nil {
		s.senders.keep(out.Sender)
		out.From.Hash = out.Sender.Hash()
	}
	if a.kind != KindRaw {
		s.peers.heard(out.From.Hash, time.Now())
		if c.contacts != nil {
			c.contacts.met(out.From, time.Now())
		}
	}
	out.Size = len(payload)
	out.N = copy(p, payload)
	return out, nil
}

// ReadFrom is ReadPacket with an Addr. Packets of options without a payload, with which i2pd confirms what it got, are
// skipped.
func (c *Conn) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	for {
		k, err := c.ReadPacket(p)
		if err != nil {
			return 0, nil, err
		}
		if k.Size > 0 || k.Options.Len() == 0 {
			return k.N, k.From, nil
		}
	}
}

// Kind of the datagrams.
func (c *Conn) Kind() Kind { return c.kind }

// LocalAddr is an Addr.
func (c *Conn) LocalAddr() net.Addr { return Addr{c.stack.hash, c.port} }

// SetDeadline is SetReadDeadline: no write waits.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline ends reads that wait at t, and those that begin later; the zero time does not.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if isClosed(c.closed) {
		return net.ErrClosed
	}
	c.read.set(t)
	return nil
}

// SetWriteDeadline does nothing: no write waits.
func (c *Conn) SetWriteDeadline(time.Time) error {
	if isClosed(c.closed) {
		return net.ErrClosed
	}
	return nil
}

// Close ends the Conn and its reads. Packets that wait for a LeaseSet are still sent.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.stack.forget(c)
		c.mu.Lock()
		close(c.closed)
		c.mu.Unlock()
		c.read.stop()
		for {
			select {
			case a := <-c.queue:
				a.b.Release()
			default:
				return
			}
		}
	})
	return nil
}
