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

// Send passes one packet to a destination; ownership of b moves. It does not block: without a LeaseSet it returns
// ErrNoLeaseSet and looks it up for the next packet, without a path ErrNotReady. The packet may be lost on the way like
// any datagram. b needs payloadHead + 4 + 9 + 36 + 96 bytes of head room: a fresh buffer with the packet at its start
// has them.
func (s *Session) Send(to i2p.Hash, proto Protocol, ports Ports, b *buf.Buf) error {
	now := s.clock.Now()
	size := b.Len()
	s.mu.Lock()
	r := s.remoteOf(to, now)
	s.refresh(r, now)
	if r.set == nil {
		s.mu.Unlock()
		b.Release()
		s.stats.noLeaseSet.Add(1)
		return ErrNoLeaseSet
	}
	delivery, out, ok := s.path(r, now)
	peer := r.peer
	own, version := s.bundle(r, now)
	s.mu.Unlock()
	if !ok {
		b.Release()
		s.stats.noPath.Add(1)
		return ErrNotReady
	}
	wrap(b, proto, ports)
	dataMessage(b, now)
	if err := garlic.PrependClove(b, garlic.ToDestination(to)); err != nil {
		b.Release()
		s.stats.sealFailed.Add(1)
		return fmt.Errorf("client: %w", err)
	}
	if own != nil {
		b = appendStore(b, storeMessage(own, now))
	}
	return s.dispatch(peer, b, version, delivery, out, now, size)
}

// dispatch seals a payload and sends it down a path.
func (s *Session) dispatch(peer garlic.Peer, b *buf.Buf, token uint64, d tunnel.Delivery, out *pool.Tunnel, now time.Time, size int) error {
	defer b.Release()
	var err error
	if token != 0 {
		err = s.keeper.SealConfirmed(peer, b, token, now)
	} else {
		err = s.keeper.Seal(peer, b, now)
	}
	if err != nil {
		s.stats.sealFailed.Add(1)
		return fmt.Errorf("client: %w", err)
	}
	out.Send(d, now, b.Bytes())
	s.stats.sent.Add(1)
	s.stats.sentBytes.Add(uint64(size))
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
	b := buf.Get()
	if own != nil {
		b = appendStore(b, storeMessage(own, now))
	}
	s.dispatch(peer, b, version, delivery, out, now, 0)
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
	return s.own, s.version
}

// dataMessage makes the gzip member in b a Data message in flight.
func dataMessage(b *buf.Buf, now time.Time) {
	n := b.Len()
	putUint32(b.Prepend(4), uint32(n))
	i2np.Header{Type: i2np.TypeData, ID: i2np.NewMessageID(), Expiration: now.Add(messageLife)}.PutShort(b.Prepend(i2np.ShortHeaderLen))
}

// appendStore adds a Local clove; if b has no room, in a larger buffer.
func appendStore(b *buf.Buf, store []byte) *buf.Buf {
	if b.TailRoom() < len(store)+cloveOverhead+sealTail {
		bigger := buf.GetLarge()
		bigger.Append(b.Bytes())
		b.Release()
		b = bigger
	}
	if err := garlic.AppendClove(b, garlic.Local(), store); err != nil {
		panic("client: a lease set does not fit a large buffer")
	}
	return b
}

// cloveOverhead is what AppendClove adds to a message, sealTail what a session may add behind the payload: the
// authentication tag, an acknowledgement request, a key of the DH ratchet, padding.
const (
	cloveOverhead = 4
	sealTail      = 128
)
