package client

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

var errNoKey = errors.New("it has no X25519 key")

func noLeaseSet(err error) error { return fmt.Errorf("%w: %w", ErrNoLeaseSet, err) }

// Send passes one packet to a destination; it is SendBatch of one.
func (s *Session) Send(to i2p.Hash, proto Protocol, ports Ports, b *buf.Buf) error {
	one := [1]*buf.Buf{b}
	return s.SendBatch(to, proto, ports, one[:])
}

// SendBatch passes packets to a destination; the slice is lent, the buffers move. It does not block: without a LeaseSet
// it returns ErrNoLeaseSet and looks it up for the next packets, without a path ErrNotReady. Packets may be lost on the way
// like any datagram. Each needs 161 bytes of head room (payloadHead, 4, 9, 36 and garlic's 96 and 13): a fresh buffer
// with the packet at its start has them. A packet has at most MaxPacket bytes.
func (s *Session) SendBatch(to i2p.Hash, proto Protocol, ports Ports, packets []*buf.Buf) error {
	now := s.clock.Now()
	defer release(packets)
	s.mu.Lock()
	r := s.remoteOf(to, now)
	s.refresh(r, now)
	if r.set == nil {
		s.mu.Unlock()
		s.stats.noLeaseSet.Add(uint64(len(packets)))
		return ErrNoLeaseSet
	}
	delivery, out, ok := s.path(r, now)
	peer := r.peer
	own, version := s.bundle(r, now)
	s.mu.Unlock()
	if !ok {
		s.stats.noPath.Add(uint64(len(packets)))
		return ErrNotReady
	}
	var size int
	var sealed [batchMost][]byte
	msgs := sealed[:0]
	for i, b := range packets {
		size += b.Len()
		wrap(b, proto, ports)
		dataMessage(b, now)
		token := uint64(0)
		bundle := own != nil && i == 0
		if bundle && b.Len() > bundleMost {
			s.sendStore(peer, own, version, delivery, out, now)
			bundle = false
		}
		if bundle {
			packets[0], token = behindStore(b, to, own, now), version
			b = packets[0]
		} else if err := garlic.PrependClove(b, garlic.ToDestination(to)); err != nil {
			s.stats.sealFailed.Add(1)
			return fmt.Errorf("client: %w", err)
		}
		if err := s.seal(peer, b, token, now); err != nil {
			return err
		}
		if msgs = append(msgs, b.Bytes()); len(msgs) == batchMost {
			out.Send(delivery, now, msgs...)
			msgs = msgs[:0]
		}
	}
	out.Send(delivery, now, msgs...)
	s.stats.sent.Add(uint64(len(packets)))
	s.stats.sentBytes.Add(uint64(size))
	return nil
}

// bundleMost is the largest message that our LeaseSet goes along with; in front of a larger one it goes by itself.
const bundleMost = garlic.MaxPayload - i2np.MaxLeaseSet - 256

// sendStore sends our LeaseSet and nothing else.
func (s *Session) sendStore(peer garlic.Peer, own i2p.LeaseSet, version uint64, d tunnel.Delivery, out *pool.Tunnel, now time.Time) {
	b := storePayload(own, now)
	defer b.Release()
	if s.seal(peer, b, version, now) == nil {
		out.Send(d, now, b.Bytes())
	}
}

// batchMost is how many packets go into a tunnel at once: about 64 KiB, what a session sends with one write.
const batchMost = 32

func release(packets []*buf.Buf) {
	for _, b := range packets {
		b.Release()
	}
}

// seal encrypts a payload; a token other than 0 asks the peer to acknowledge it.
func (s *Session) seal(peer garlic.Peer, b *buf.Buf, token uint64, now time.Time) (err error) {
	if token != 0 {
		err = s.keeper.SealConfirmed(peer, b, token, now)
	} else {
		err = s.keeper.Seal(peer, b, now)
	}
	if err != nil {
		s.stats.sealFailed.Add(1)
		return fmt.Errorf("client: %w", err)
	}
	return nil
}

// sendEmpty sends what a garlic session owes its peer without a packet to carry it.
func (s *Session) sendEmpty(peer garlic.Peer) {
	now := s.clock.Now()
	s.mu.Lock()
	r := s.remotes[peer.Hash]
	if r == nil || r.set == nil {
		s.mu.Unlock()
		return
	}
	delivery, out, ok := s.path(r, now)
	own, version := s.bundle(r, now)
	s.mu.Unlock()
	if !ok {
		return
	}
	if own != nil {
		s.sendStore(peer, own, version, delivery, out, now)
		return
	}
	b := buf.Get()
	defer b.Release()
	if s.seal(peer, b, 0, now) == nil {
		out.Send(delivery, now, b.Bytes())
	}
}

// bundle decides whether our LeaseSet goes along: with every New Session, since the peer could not answer without it,
// and after a change until the peer has acknowledged it. The caller holds s.mu.
func (s *Session) bundle(r *remote, now time.Time) (i2p.LeaseSet, uint64) {
	if s.own == nil {
		return nil, 0
	}
	if s.keeper.Next(r.peer, now) != garlic.KindNewSession {
		if r.bundledVersion == s.version && (s.keeper.Confirmed(r.peer) >= s.version || now.Sub(r.bundledAt) < bundlePause) {
			return nil, 0
		}
	}
	r.bundledVersion, r.bundledAt = s.version, now
	s.stats.bundled.Add(1)
	return s.show(), s.version
}

// dataMessage makes the gzip member in b a Data message in flight.
func dataMessage(b *buf.Buf, now time.Time) {
	n := b.Len()
	putUint32(b.Prepend(4), uint32(n))
	i2np.Header{Type: i2np.TypeData, ID: i2np.NewMessageID(), Expiration: now.Add(messageLife)}.PutShort(b.Prepend(i2np.ShortHeaderLen))
}

// storePayload is a payload with our LeaseSet as a Local clove.
func storePayload(own i2p.LeaseSet, now time.Time) *buf.Buf {
	b := buf.GetLarge()
	b.Append(storeMessage(own, now))
	if err := garlic.PrependClove(b, garlic.Local()); err != nil {
		panic("client: a lease set does not fit a large buffer")
	}
	return b
}

// behindStore is a payload with our LeaseSet and, behind it, the Data message in b, which is released. A peer reads the
// cloves in order, and i2pd does not answer a packet from a destination whose LeaseSet it does not know yet.
func behindStore(b *buf.Buf, to i2p.Hash, own i2p.LeaseSet, now time.Time) *buf.Buf {
	defer b.Release()
	p := storePayload(own, now)
	if err := garlic.AppendClove(p, garlic.ToDestination(to), b.Bytes()); err != nil {
		panic("client: a packet does not fit a large buffer")
	}
	return p
}
