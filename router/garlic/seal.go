package garlic

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/ratchet"
)

const (
	// frame is what a Garlic message has in front of its ciphertext: the short I2NP header and the length.
	frame = i2np.ShortHeaderLen + i2np.GarlicHeaderLen
	// controlMax bytes of control blocks go into one message: two keys, eight acknowledgements, a request.
	controlMax = 2*38 + 3 + 8*4 + 4
	// maxBody is the longest ciphertext that fits an I2NP message.
	maxBody = i2np.MaxPayload - i2np.GarlicHeaderLen
)

// HeadRoom is what Seal needs in front of the payload at most, so that all control blocks can go along; it needs at
// least 93 (frame 13, New Session 80), and 7 more for the DateTime. Behind the payload it needs 16 bytes, and up to
// 34 with padding.
const HeadRoom = frame + ratchet.ExistingHead + controlMax

// MaxPayload is the longest payload that Seal takes, whatever kind of message it becomes.
const MaxPayload = maxBody - ratchet.NewSessionHead - ratchet.DateTimeLen - controlMax - ratchet.MACLen

// Seal encrypts the payload blocks in b (PrependClove, AppendClove; may be empty) to peer, in place: after it b holds
// a Garlic message in flight. It chooses an Existing Session if one is established, a New Session Reply if the peer's
// New Session waits for one, else a New Session. On error b is unchanged.
func (k *Keeper) Seal(peer Peer, b *buf.Buf, now time.Time) error { return k.seal(peer, b, 0, now) }

// SealConfirmed is Seal with a request for an acknowledgement; once the peer has it, Confirmed is at least token.
// Tokens of a peer rise from 1, the version of a LeaseSet for example.
func (k *Keeper) SealConfirmed(peer Peer, b *buf.Buf, token uint64, now time.Time) error {
	return k.seal(peer, b, token, now)
}

// Next is the kind of message that Seal would make for peer now. For KindNewSession the owner bundles its LeaseSet
// (a clove of a DatabaseStore), without which the peer cannot answer.
func (k *Keeper) Next(peer Peer, now time.Time) Kind {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[peer.Key]; p != nil {
		_, kind := p.choose(now)
		return kind
	}
	return KindNewSession
}

func (k *Keeper) seal(to Peer, b *buf.Buf, token uint64, now time.Time) error {
	if k.cfg.Router {
		return ErrRole
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.peers[to.Key]
	var s *ratchet.Session
	kind := KindNewSession
	if p != nil {
		if !p.bound {
			p.hash = to.Hash
		}
		s, kind = p.choose(now)
		if b.Len() == 0 {
			if due := p.due(now); due != nil {
				if s = due; due.Established() {
					kind = KindExistingSession
				} else {
					kind = KindNewSessionReply
				}
			}
		}
	}
	switch kind {
	case KindExistingSession:
		return k.sealExisting(s, b, token, now)
	case KindNewSessionReply:
		return k.sealReply(s, b, token, now)
	}
	return k.sealNew(to, b, token, now)
}

func (k *Keeper) sealExisting(s *ratchet.Session, b *buf.Buf, token uint64, now time.Time) error {
	if !room(b, ratchet.ExistingHead, 0) {
		return ErrNoRoom
	}
	space := min(b.HeadRoom()-frame-ratchet.ExistingHead, controlMax)
	control := s.Control(k.control[:0], space, token, now)
	copy(b.Prepend(len(control)), control)
	pad(b, ratchet.ExistingHead)
	if err := s.SealExisting(widen(b, ratchet.ExistingHead), now); err != nil {
		return fmt.Errorf("garlic: seal: %w", err) // choose and due offer no session that cannot
	}
	k.stats.SealedExisting++
	finish(b, now)
	return nil
}

func (k *Keeper) sealReply(s *ratchet.Session, b *buf.Buf, token uint64, now time.Time) error {
	if !room(b, ratchet.ReplyHead, 0) {
		return ErrNoRoom
	}
	n := b.Len()
	pad(b, ratchet.ReplyHead)
	if err := s.SealReply(widen(b, ratchet.ReplyHead), token, now); err != nil {
		b.TrimFront(ratchet.ReplyHead)
		b.Truncate(n)
		return fmt.Errorf("garlic: seal: %w", err)
	}
	k.stats.SealedReply++
	finish(b, now)
	return nil
}

func (k *Keeper) sealNew(to Peer, b *buf.Buf, token uint64, now time.Time) error {
	if !room(b, ratchet.NewSessionHead, ratchet.DateTimeLen) {
		return ErrNoRoom
	}
	p := k.obtain(to.Key)
	if !p.bound {
		p.hash = to.Hash
	}
	if !p.mayOffer(now) {
		return ErrBusy
	}
	n := b.Len()
	prependDateTime(b, now)
	pad(b, ratchet.NewSessionHead)
	s, err := ratchet.Offer(k.id, &p.remote, k.index, widen(b, ratchet.NewSessionHead), now)
	if err != nil {
		b.TrimFront(ratchet.NewSessionHead + ratchet.DateTimeLen)
		b.Truncate(n)
		return fmt.Errorf("garlic: seal: %w", err)
	}
	s.SetToken(token)
	p.offers = bounded(p.offers, s, maxOffers)
	k.stats.SealedNewSession++
	finish(b, now)
	return nil
}

// SealUnbound encrypts to peer in a New Session that does not name us and that cannot be answered.
func (k *Keeper) SealUnbound(peer Peer, b *buf.Buf, now time.Time) error {
	if k.cfg.Router {
		return ErrRole
	}
	if !room(b, ratchet.NewSessionHead, ratchet.DateTimeLen) {
		return ErrNoRoom
	}
	n := b.Len()
	prependDateTime(b, now)
	pad(b, ratchet.NewSessionHead)
	if err := ratchet.SealUnbound(k.id, peer.Key, widen(b, ratchet.NewSessionHead)); err != nil {
		b.TrimFront(ratchet.NewSessionHead + ratchet.DateTimeLen)
		b.Truncate(n)
		return fmt.Errorf("garlic: seal: %w", err)
	}
	k.mu.Lock()
	k.stats.SealedUnbound++
	k.mu.Unlock()
	finish(b, now)
	return nil
}

// room reports whether b can be sealed with a header of head bytes and extra bytes of blocks in front.
func room(b *buf.Buf, head, extra int) bool {
	return b.HeadRoom() >= frame+head+extra && b.TailRoom() >= ratchet.MACLen &&
		head+extra+controlMax+b.Len()+ratchet.MACLen <= maxBody
}

// pad appends a padding block of up to 15 bytes, if it does not make the message need another tunnel message.
func pad(b *buf.Buf, head int) {
	n := rand.IntN(16)
	space := b.TailRoom() - ratchet.MACLen - ratchet.BlockHeader
	body := head + b.Len() + ratchet.MACLen
	if body <= twoFragments {
		space = min(space, twoFragments-body-ratchet.BlockHeader)
	} else {
		space = min(space, maxBody-body-ratchet.BlockHeader)
	}
	if space < 0 {
		return
	}
	n = min(n, space)
	p := b.Extend(ratchet.BlockHeader + n)
	p[0] = byte(ratchet.BlockPadding)
	binary.BigEndian.PutUint16(p[1:], uint16(n))
	clear(p[ratchet.BlockHeader:])
}

func prependDateTime(b *buf.Buf, now time.Time) {
	var block [ratchet.DateTimeLen]byte
	copy(b.Prepend(len(block)), ratchet.AppendDateTime(block[:0], now))
}

// widen makes room in b for a header of head bytes and the MAC, and lends it all.
func widen(b *buf.Buf, head int) []byte {
	b.Prepend(head)
	b.Extend(ratchet.MACLen)
	return b.Bytes()
}

// finish puts the I2NP header and the length in front of the ciphertext.
func finish(b *buf.Buf, now time.Time) {
	n := b.Len()
	h := b.Prepend(frame)
	i2np.NewHeader(i2np.TypeGarlic, now).PutShort(h)
	binary.BigEndian.PutUint32(h[i2np.ShortHeaderLen:], uint32(n))
}
