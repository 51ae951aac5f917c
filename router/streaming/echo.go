package streaming

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// echo handles a ping or a pong (API document, Ping). A ping has a send stream id and is signed; the pong has that
// as its receive stream id and no signature.
func (s *Stack) echo(ports Ports, b *buf.Buf) {
	defer b.Release()
	p, err := ParsePacket(b.Bytes())
	if err != nil {
		s.stats.drop(DropMalformed)
		return
	}
	if p.SendStream == 0 {
		s.mu.Lock()
		waiting := s.pings[p.ReceiveStream]
		s.mu.Unlock()
		if waiting != nil {
			select {
			case waiting <- struct{}{}:
			default: // it has one
			}
		}
		return
	}
	if p.From == nil {
		s.stats.drop(DropMalformed)
		return
	}
	now := s.now()
	s.mu.Lock()
	ok := s.cfg.AnswerPings && s.pongs.take(now, pongsPerSecond, pongsPerSecond) &&
		s.checks.take(now, checksPerSecond, checksBurst)
	s.mu.Unlock()
	if !ok {
		s.stats.drop(DropOverload)
		return
	}
	if _, err := p.verify(b.Bytes(), p.From, nil, s.clk.Now()); err != nil {
		s.stats.drop(DropSignature)
		return
	}
	pong := buf.Get()
	h := pong.Extend(headerLen)
	clear(h)
	binary.BigEndian.PutUint32(h[4:], uint32(p.SendStream))
	binary.BigEndian.PutUint16(h[18:], uint16(FlagEcho))
	pong.Append(p.Payload[:min(len(p.Payload), maxPing)])
	s.stats.packetsOut.Add(1)
	if err := s.carrier.Send(p.From.Hash(), ports.swap(), pong); err != nil {
		s.stats.sendErrors.Add(1)
	}
}

// Ping asks a destination for a sign of life and returns the round trip.
func (s *Stack) Ping(ctx context.Context, to *i2p.Destination) (time.Duration, error) {
	if err := s.carrier.Reach(ctx, to.Hash(), false); err != nil {
		return 0, fmt.Errorf("streaming: ping: %w", err)
	}
	id, answer := randomID(), make(chan struct{}, 1)
	s.mu.Lock()
	s.pings[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.pings, id)
		s.mu.Unlock()
	}()
	p := Packet{
		SendStream: id, Flags: FlagEcho | FlagFromIncluded | FlagSignatureIncluded,
		From: s.keys.Destination, Tail: make([]byte, s.signatureLen()),
	}
	wire := p.Append(nil)
	s.sign(wire, len(wire)-s.signatureLen())
	start := s.now()
	s.stats.packetsOut.Add(1)
	if err := s.carrier.Send(to.Hash(), Ports{}, buf.From(wire)); err != nil {
		return 0, fmt.Errorf("streaming: ping: %w", err)
	}
	select {
	case <-answer:
		return s.now() - start, nil
	case <-s.stopped:
		return 0, net.ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
