package ssu2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
)

// answer takes one packet of the peer. Only an authentic one that ends the dial gives an error; others leave it as it was.
func (d *dial) answer(ctx context.Context, p []byte) (*session, error) {
	var payload []byte
	var err error
	got := time.Now()
	for _, hs := range [...]*wire.Initiator{d.hs, d.before} {
		if hs == nil {
			continue
		}
		d.s.work(func() { _, payload, err = hs.OpenCreated(bytes.Clone(p)) })
		if err == nil {
			if hs == d.before {
				d.hs, d.sends = hs, 0 // when that request went out is not known any more
			}
			return d.created(ctx, payload, got)
		}
	}
	h, payload, err := d.hs.OpenRetry(p)
	if err != nil {
		return nil, nil
	}
	return nil, d.retried(h, payload)
}

// retried takes a Retry: the peer wants a SessionRequest with its token, and with the same connection IDs ("Connection ID
// Numbering"); Java I2P forgets the handshake if it gets another one. But a Retry may also answer a packet that the peer had before a
// request that it took, so SessionCreated for the one before is waited for too. Anybody who knows the intro key of the peer can
// make a Retry, if he knows our connection ids too.
func (d *dial) retried(h wire.Header, payload []byte) error {
	if reason, ok := terminationOf(payload); ok {
		switch {
		case reason == wire.ReasonVersion && d.variant != wire.Plain && !d.last: // i2pd, of a hybrid that it does not take
			return d.plainly()
		case reason == wire.ReasonClockSkew:
			d.s.c.skewed.Add(1)
			return transport.ErrClockSkew
		}
		return &rejection{transport.Reason(reason)}
	}
	if h.Token == 0 || h.Token == d.token || d.retries >= maxRetries {
		return nil
	}
	if d.token != 0 {
		before := *d.hs
		d.before = &before
	}
	d.token, d.fresh = h.Token, true
	d.retries++
	return d.request()
}

func terminationOf(payload []byte) (wire.TerminationReason, bool) {
	blocks, err := wire.ParseBlocks(payload)
	for err == nil && blocks.Next() {
		if blocks.Type == wire.BlockTermination {
			_, reason, err := wire.ParseTermination(blocks.Body)
			return reason, err == nil
		}
	}
	return 0, false
}

// created takes SessionCreated: the peer has proved its key.
func (d *dial) created(ctx context.Context, payload []byte, got time.Time) (*session, error) {
	s, roundTrip := d.s, got.Sub(d.sentAt)
	theirs, ok := dateTimeOf(payload)
	if !ok {
		return nil, fmt.Errorf("SessionCreated %w: no DateTime", errMalformed)
	}
	ahead := theirs.Sub(s.clock.Now().Add(-roundTrip / 2))
	s.skew(d.peer, ahead)
	if reason, ok := terminationOf(payload); ok {
		return nil, &rejection{transport.Reason(reason)}
	}
	if skewed(ahead) {
		s.c.skewed.Add(1)
		return nil, fmt.Errorf("%w: by %v", transport.ErrClockSkew, ahead.Round(time.Second))
	}
	self := s.cfg.Self()
	if self == nil {
		return nil, errors.New("no RouterInfo of our own yet")
	}
	var confirmed [][]byte
	var err error
	s.work(func() { confirmed, err = d.confirmed(self) })
	if err != nil {
		return nil, fmt.Errorf("SessionConfirmed: %w", err)
	}
	if d.sends != 1 { // which of them was answered is not known
		roundTrip = 0
	}
	sn := s.newSession(sessionConfig{
		link: d.l, peer: d.peer, direction: transport.Outbound, remote: routeTo(d.at), id: d.id, remoteID: d.hs.DestID(),
		target: d.target, keys: d.hs.Keys(), variant: d.variant, rtt: roundTrip, now: got, self: self,
	})
	sn.confirm = &confirming{dial: d, packets: confirmed, interval: firstResend, until: got.Add(s.cfg.HandshakeTimeout)}
	if !s.table.enterSession(sn, d) {
		return nil, transport.ErrClosed
	}
	d.session = sn
	close(d.established)
	s.log.Debug("handshake done", "peer", d.peer, "crypto", d.variant)
	if !sn.open(ctx) {
		return nil, transport.ErrRefused
	}
	sn.blocks(payload)
	return sn, nil
}

// confirmed makes SessionConfirmed: with our RouterInfo, compressed if it would not fit into one packet otherwise. The packets
// fit the least MTU: they cannot be cut anew if the path turns out to be narrow.
func (d *dial) confirmed(self *i2p.RouterInfo) ([][]byte, error) {
	size := maxPacket(d.at.Addr(), minMTU)
	room := size - wire.ConfirmedOverhead
	b, err := wire.AppendRouterInfo(make([]byte, 0, 2*maxMTU), self.Bytes(), false, room)
	if errors.Is(err, wire.ErrTooLarge) {
		b, err = wire.AppendRouterInfo(b[:0], self.Bytes(), false, 2*size-wire.ConfirmedOverhead-wire.ShortHeaderLen)
	}
	if err != nil {
		return nil, err
	}
	if pad := room - len(b) - wire.BlockHeaderLen; pad > 0 {
		b = wire.AppendPadding(b, someUpTo(min(pad, maxHandshakePadding)))
	}
	return d.hs.Confirmed(b, size)
}
