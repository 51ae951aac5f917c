package ssu2

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// receive takes one packet of the session, opened in place. True: something came that is to be delivered or answered.
func (s *session) receive(now time.Time, p *udp.Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxWaiting && !s.relieve() {
		s.s.c.droppedSlow.Add(1) // unacked, so that it comes again
		return false
	}
	number, immediate, payload, err := s.opener.Open(p.Data, s.id)
	if err != nil {
		return s.unauthentic(now, err)
	}
	s.bytesIn.Add(uint64(len(p.Data)))
	switch s.state {
	case stateOpen, stateClosing:
		if s.reported { // refused
			return false
		}
	case stateLingering:
		return s.late(now, payload)
	default:
		return false
	}
	if s.confirm != nil {
		s.s.table.leaveDial(s.confirm.dial)
		s.confirm = nil
	}
	s.now, s.from = now, backTo(p)
	if p.From != s.remote {
		s.elsewhere(now, backTo(p), len(p.Data), number)
	} else if s.path != nil && number > s.path.number {
		s.path = nil // the old address lives
		s.flow.Constrain(now, false)
	}
	s.highest = max(s.highest, number)
	if err := s.flow.Receive(now, number, immediate, payload, s); err != nil {
		s.violated(now, err)
	}
	return true
}

// relieve delivers what waits, unless somebody else is at it. True: there is room again. The lock is held, but not all the time.
func (s *session) relieve() bool {
	s.mu.Unlock()
	s.deliver()
	s.mu.Lock()
	return s.waiting < maxWaiting
}

// unauthentic counts a packet that does not open. In a young inbound session it is most likely SessionConfirmed again: our ack
// was lost.
func (s *session) unauthentic(now time.Time, err error) bool {
	s.s.c.unauthentic.Add(1)
	if !errors.Is(err, wire.ErrType) || s.direction != transport.Inbound || s.state != stateOpen || now.Sub(s.since) > establishedResendAck {
		return false
	}
	s.flow.AckNow(now)
	return true
}

// violated ends the session after an error of its payload. What is malformed has the peer banned: it proved who it is, and
// nobody else can seal a packet. The lock is held.
func (s *session) violated(now time.Time, err error) {
	var terminated *transport.Terminated
	var protocol *flow.ProtocolError
	switch {
	case errors.As(err, &terminated):
		s.terminated(now, terminated)
		return
	case errors.Is(err, transport.ErrClockSkew):
		s.reason = transport.ReasonClockSkew
	case errors.As(err, &protocol):
		s.reason = transport.Reason(protocol.Reason)
		err = &transport.Violation{Reason: transport.BanProtocol, Err: err}
	default:
		s.reason = transport.ReasonFormat
		err = &transport.Violation{Reason: transport.BanProtocol, Err: err}
	}
	s.cause = err
	s.state, s.flush = stateClosing, now
}

// Message takes a message from the flow.
func (s *session) Message(m *buf.Buf) {
	s.in = append(s.in, m)
	s.waiting += m.Footprint()
}

// Block takes all other blocks from the flow. Unknown ones are ignored.
func (s *session) Block(t wire.BlockType, body []byte) error {
	switch t {
	case wire.BlockDateTime:
		theirs, err := wire.ParseDateTime(body)
		if err != nil {
			return err
		}
		if ahead := theirs.Sub(s.s.clock.Now()); skewed(ahead) {
			return fmt.Errorf("ssu2: %w: by %v", transport.ErrClockSkew, ahead.Round(time.Second))
		}
	case wire.BlockTermination:
		_, reason, err := wire.ParseTermination(body)
		if err != nil {
			return err
		}
		return &transport.Terminated{Reason: transport.Reason(reason)}
	case wire.BlockAddress:
		seen, err := wire.ParseAddress(body)
		if err != nil {
			return err
		}
		seen = netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port())
		if seen != s.seen {
			s.seen = seen
			s.postpone(t, body)
		}
	case wire.BlockNewToken:
		token, expires, err := wire.ParseNewToken(body)
		if err != nil {
			return err
		}
		if s.direction == transport.Outbound || s.target.at == s.remote {
			s.s.purse.put(s.remote, token, expires.Add(-s.s.clock.Offset()), s.now)
		}
	case wire.BlockPathChallenge:
		s.challenged(body)
	case wire.BlockPathResponse:
		s.pathAnswered(body)
	case wire.BlockRouterInfo, wire.BlockRelayRequest, wire.BlockRelayResponse, wire.BlockRelayIntro, wire.BlockPeerTest,
		wire.BlockRelayTagRequest, wire.BlockRelayTag:
		s.postpone(t, body)
	}
	return nil
}

// postpone keeps a block for after the packet; too many at once, or too fast, are lost.
func (s *session) postpone(t wire.BlockType, body []byte) {
	if len(s.later) >= maxEvents || !s.events.take(s.now, eventInterval, eventBurst) {
		s.s.c.droppedEvents.Add(1)
		return
	}
	s.later = append(s.later, event{t, bytes.Clone(body)})
}

// confirmed handles what follows the RouterInfo in SessionConfirmed: all that the data phase has, once the session is open.
func (s *session) confirmed(payload []byte) {
	blocks, err := wire.ParseBlocks(payload)
	if err != nil || !blocks.Next() {
		return
	}
	now := time.Now()
	s.mu.Lock()
	if s.state <= stateClosing {
		s.now, s.from = now, s.route()
		if err := s.flow.Confirmed(now, blocks, s); err != nil {
			s.violated(now, err)
		}
	}
	s.mu.Unlock()
	s.deliver()
	s.link.mark(s)
}

// blocks handles those of SessionCreated that are as in the data phase, once the session is open.
func (s *session) blocks(payload []byte) {
	blocks, err := wire.ParseBlocks(payload)
	s.mu.Lock()
	s.now = time.Now()
	for err == nil && blocks.Next() {
		switch blocks.Type {
		case wire.BlockAddress, wire.BlockRelayTag, wire.BlockNewToken:
			err = s.Block(blocks.Type, blocks.Body)
		}
	}
	s.mu.Unlock()
	s.deliver()
}

// inject is receive for a packet that waited for the handshake.
func (s *session) inject(packet []byte, from route) {
	if s.receive(time.Now(), &udp.Packet{Data: packet, From: from.to, Local: from.local}) {
		s.deliver()
		s.link.mark(s)
	}
}

// deliver hands over what came, in order, and at the end says that the session has ended. If somebody else is at it, he does
// this too.
func (s *session) deliver() {
	s.mu.Lock()
	if s.delivering || !s.opened && !s.reported {
		s.mu.Unlock()
		return
	}
	s.delivering = true
	for {
		switch {
		case len(s.in) > 0 && !s.reported:
			batch := s.in
			s.in, s.spare, s.waiting = s.spare[:0], nil, 0
			s.mu.Unlock()
			s.messagesIn.Add(uint64(len(batch)))
			s.active.Store(int64(time.Since(s.since)))
			s.s.registry.Messages(s.peer, batch)
			clear(batch)
			s.mu.Lock()
			s.spare = batch[:0]
		case len(s.in) > 0:
			for i, m := range s.in {
				m.Release()
				s.in[i] = nil
			}
			s.in, s.waiting = s.in[:0], 0
		case len(s.later) > 0 && s.reported:
			s.later = nil
		case len(s.later) > 0:
			events := s.later
			s.later = nil
			s.mu.Unlock()
			for _, e := range events {
				s.event(e)
			}
			s.mu.Lock()
		case s.ended && !s.reported:
			s.reported = true
			cause := s.cause
			s.mu.Unlock()
			s.s.registry.Closed(s, cause)
			s.mu.Lock()
		default:
			s.delivering = false
			s.mu.Unlock()
			return
		}
	}
}

// event handles one block, without the lock.
func (s *session) event(e event) {
	switch e.t {
	case wire.BlockAddress: // from whom we chose: anybody can open sessions to us, as many as he likes
		if seen, err := wire.ParseAddress(e.body); err == nil && s.s.observer != nil && s.direction == transport.Outbound {
			s.s.observer.AddressSeen(s.peer, s.remoteNow().Addr(), netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port()))
		}
	case wire.BlockRouterInfo:
		s.routerInfo(e.body)
	default:
		s.s.nat.block(s.peer, e.t, e.body)
	}
}

// routerInfo takes a RouterInfo that the peer sent: its own, or of a router that it introduces. Those that come too fast are
// ignored.
func (s *session) routerInfo(body []byte) {
	s.mu.Lock()
	may := s.infos.take(time.Now(), routerInfoInterval, routerInfoBurst)
	s.mu.Unlock()
	if !may {
		return
	}
	ri, flood, err := parseRouterInfo(body)
	if err != nil || ri.Verify() != nil {
		return
	}
	s.s.registry.RouterInfo(s.peer, ri, flood && ri.Hash() == s.peer)
	s.s.nat.routerInfo(ri.Hash())
}

// repeatConfirmed sends SessionConfirmed again, as its answer shows that it did not arrive.
func (s *session) repeatConfirmed() {
	s.mu.Lock()
	now := time.Now()
	again := s.confirm != nil && now.Sub(s.confirm.sent) >= minResendGap
	if again {
		s.confirm.next = now
	}
	s.mu.Unlock()
	if again {
		s.link.mark(s)
	}
}
