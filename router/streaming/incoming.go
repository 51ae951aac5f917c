package streaming

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// incomingKey names a stream that another destination opened to us, by its stream id.
type incomingKey struct {
	from i2p.Hash
	id   StreamID
}

// synchronize handles a SYN that belongs to no stream: it opens one.
func (s *Stack) synchronize(ports Ports, b *buf.Buf) {
	defer b.Release() // what is kept is copied: the payload is short, and the buffer is full of the rest
	now := s.now()
	p, err := ParsePacket(b.Bytes())
	if err != nil || p.From == nil || p.Sequence != 0 || p.ReceiveStream == 0 || p.Flags&FlagReset != 0 ||
		len(p.Payload) > maxPayload {
		s.stats.drop(DropMalformed)
		return
	}
	if len(p.NACKs) == i2p.HashLen && i2p.Hash(p.NACKs) != s.hash {
		s.stats.drop(DropNotForUs)
		return
	}
	k := incomingKey{p.From.Hash(), p.ReceiveStream}
	if d, ok := s.screen(k, now); !ok {
		s.stats.drop(d)
		return
	}
	key, err := p.verify(b.Bytes(), p.From, nil, s.clk.Now())
	if err != nil {
		s.stats.drop(DropSignature)
		return
	}
	if c := s.repeated(k); c != nil {
		c.repeatedSYN(now)
		return
	}
	l := s.listener(ports.To)
	if l == nil {
		s.refuse(&p, ports, now)
		return
	}
	c := newConn(s, p.From, ports.swap(), randomID(), now)
	c.peer = p.ReceiveStream
	c.expects = key
	early, ok := s.admit(c, k, now)
	if !ok {
		s.stats.drop(DropOverload)
		return
	}
	s.stats.accepted.Add(1)
	s.log.Debug("stream opened to us", "peer", c.hash, "port", ports.To)
	c.begin(&p, early, now)
	if !l.offer(c) {
		c.abort(ErrRefused)
	}
}

// screen does the checks that cost less than that of the signature.
func (s *Stack) screen(k incomingKey, now time.Duration) (Drop, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return DropUnknown, false
	case s.closed.has(k, now):
		return DropReplay, false
	case !s.checks.take(now, checksPerSecond, checksBurst):
		return DropOverload, false
	}
	return 0, true
}

// repeated returns the stream that a SYN opened before.
func (s *Stack) repeated(k incomingKey) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incoming[k]
}

// admit counts and enters a stream to us, and hands out the packets that overtook its SYN.
func (s *Stack) admit(c *Conn, k incomingKey, now time.Duration) (early []*buf.Buf, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(c.hash)
	if s.counted >= s.cfg.MaxConns || p.conns >= s.cfg.MaxConnsPerPeer {
		return nil, false
	}
	each := s.cfg.OpensPerSecondPerPeer
	if !p.opens.take(now, each, 10*each) || !s.opens.take(now, s.cfg.OpensPerSecond, 10*s.cfg.OpensPerSecond) {
		return nil, false
	}
	if s.incoming[k] != nil || !s.add(c) {
		return nil, false
	}
	s.incoming[k] = c
	s.halfOpen[c.peer] = c
	c.counted = true
	s.counted++
	p.conns++
	p.seed(c, now)
	return s.takeEarly(c.peer), true
}

// begin answers the SYN.
func (c *Conn) begin(p *Packet, early []*buf.Buf, now time.Duration) {
	c.mu.Lock()
	defer c.unlock()
	c.opened(p, now)
	c.insert(p, buf.From(p.Payload), now)
	c.ack.sent()
	c.q.push(FlagSynchronize)
	c.send(now)
	for _, b := range early {
		c.receive(b, now)
	}
	c.flushAck(now)
}

// repeatedSYN answers a SYN that came again: the reply may be lost.
func (c *Conn) repeatedSYN(now time.Duration) {
	c.mu.Lock()
	defer c.unlock()
	c.stack.stats.drop(DropDuplicate)
	if c.done {
		return
	}
	c.heardAt = now
	c.ack.now = true
	c.flushAck(now)
}

// refuse answers a SYN that nobody listens for with a RESET.
func (s *Stack) refuse(p *Packet, ports Ports, now time.Duration) {
	s.mu.Lock()
	ok := s.opens.take(now, s.cfg.OpensPerSecond, 10*s.cfg.OpensPerSecond)
	s.mu.Unlock()
	if !ok {
		s.stats.drop(DropOverload)
		return
	}
	s.stats.drop(DropUnknown)
	c := newConn(s, p.From, ports.swap(), 0, now)
	c.mu.Lock()
	defer c.unlock()
	c.peer = p.ReceiveStream
	c.recv.next, c.recv.high, c.recv.read = 1, 1, 1 // it acknowledges the SYN
	c.reset(now)
	c.done = true
}

func randomID() StreamID {
	var b [4]byte
	for {
		rand.Read(b[:])
		if id := StreamID(binary.BigEndian.Uint32(b[:])); id != 0 {
			return id
		}
	}
}
