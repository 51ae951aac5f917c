package streaming

import (
	"encoding/binary"
	"time"

	"clove.i2p/router/buf"
)

// Deliver takes one packet that came in; ownership moves.
func (s *Stack) Deliver(p Ports, b *buf.Buf) {
	var in inbound
	s.deliver(&in, p, b)
	in.end()
}

// DeliverBatch takes several packets in the order in which they came in: each connection among them sends one
// acknowledgement at the end. The slice is lent, the buffers move.
func (s *Stack) DeliverBatch(p Ports, bs []*buf.Buf) {
	var in inbound
	for _, b := range bs {
		s.deliver(&in, p, b)
	}
	in.end()
}

// inbound is a batch of packets. It holds the lock of the connection that the last one was for.
type inbound struct {
	conn *Conn
	now  time.Duration
}

// begin locks c, if it is not the one that is locked.
func (in *inbound) begin(c *Conn) {
	if in.conn == c {
		return
	}
	in.end()
	c.mu.Lock()
	in.conn = c
	in.now = c.stack.now()
}

// end sends what the packets caused, and unlocks.
func (in *inbound) end() {
	c := in.conn
	if c == nil {
		return
	}
	in.conn = nil
	if !c.done {
		c.send(in.now)
		c.flushAck(in.now)
	}
	c.unlock()
}

// deliver finds the connection of a packet.
func (s *Stack) deliver(in *inbound, p Ports, b *buf.Buf) {
	s.stats.packetsIn.Add(1)
	h := b.Bytes()
	if len(h) < headerLen {
		s.drop(b, DropMalformed)
		return
	}
	to := StreamID(binary.BigEndian.Uint32(h))
	at := 17 + 4*int(h[16])
	if len(h) < at+5 {
		s.drop(b, DropMalformed)
		return
	}
	flags := Flags(binary.BigEndian.Uint16(h[at+1:]))
	if flags&FlagEcho != 0 {
		in.end()
		s.echo(p, b)
		return
	}
	if in.conn != nil && in.conn.id == to {
		in.conn.receive(b, in.now)
		return
	}
	if c := s.find(to, StreamID(binary.BigEndian.Uint32(h[4:])), flags); c != nil {
		in.begin(c)
		c.receive(b, in.now)
		return
	}
	in.end()
	switch {
	case to != 0:
		s.drop(b, DropUnknown)
	case flags&FlagSynchronize != 0:
		s.synchronize(p, b)
	default:
		s.tooEarly(p, b)
	}
}

// find returns the connection that a packet is for: by our stream id, or, while the opener does not know that yet,
// by its own.
func (s *Stack) find(to, from StreamID, flags Flags) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to != 0 {
		return s.conns[to]
	}
	if flags&FlagSynchronize == 0 {
		return s.halfOpen[from]
	}
	return nil
}

func (s *Stack) drop(b *buf.Buf, d Drop) {
	s.stats.drop(d)
	b.Release()
}
