package ratchet

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// ErrClosed: the session cannot make this message (any more); use another or offer a new one.
var ErrClosed = errors.New("ratchet: session not usable")

// A Session is one ratchet session, from the New Session message on. See the package comment for its life.
type Session struct {
	id        *Identity
	remote    *Remote
	index     *Index
	initiator bool
	closed    bool

	created     time.Time // New Session sent or received
	established time.Time // zero before
	sent        time.Time // last, zero if never
	received    time.Time // last, zero if never
	unheard     time.Time // first message sent since something was received; zero if none

	offer      *offer // Alice, until its replies expired
	offerToken uint64
	retired    bool // a later reply gives its payload, but establishes nothing
	ask        *ask // Bob, until established

	send    *sendSet
	receive []*ReceiveSet // oldest first
	silent  bool          // Alice, established, and Bob cannot know yet

	out     outRatchet
	in      inRatchet
	acks    ackQueue
	confirm confirmations

	confirmed uint64
	scratch   scratch
}

// Remote is the static key of the other side.
func (s *Session) Remote() keys.X25519Public { return s.remote.Key }

// Initiator reports whether the New Session was ours.
func (s *Session) Initiator() bool { return s.initiator }

// Created is when the New Session was sent or received.
func (s *Session) Created() time.Time { return s.created }

// Received is when the last message came; zero if none did.
func (s *Session) Received() time.Time { return s.received }

// Established reports whether Existing Session messages can be sent.
func (s *Session) Established() bool { return !s.closed && !s.established.IsZero() }

// EstablishedAt is when the session was established; zero if it is not.
func (s *Session) EstablishedAt() time.Time { return s.established }

// Replied is the number of replies made.
func (s *Session) Replied() int {
	if s.ask == nil {
		return 0
	}
	return len(s.ask.made)
}

// Confirmed is the highest token that the peer acknowledged (SealExisting, SealReply, SetToken).
func (s *Session) Confirmed() uint64 { return s.confirmed }

// SetToken marks the New Session of an offer with a token.
func (s *Session) SetToken(token uint64) { s.offerToken = token }

// Retire makes an offer that lost to another one: replies to it give their payload, but do not establish it.
func (s *Session) Retire() { s.retired = true }

// CanReply reports whether SealReply is possible.
func (s *Session) CanReply(now time.Time) bool {
	return !s.closed && s.ask != nil && len(s.ask.made) < MaxReplies && now.Sub(s.created) <= ReplyWithin
}

// CanSend reports whether SealExisting is possible and sensible: the peer still has the session, as far as we know.
func (s *Session) CanSend(now time.Time) bool {
	if !s.Established() || s.send.exhausted() {
		return false
	}
	last := s.sent
	if s.received.After(last) {
		last = s.received
	}
	return now.Sub(last) <= SendIdle && (s.unheard.IsZero() || now.Sub(s.unheard) <= staleAfter)
}

// SealExisting makes an Existing Session message (1h) in place: msg is ExistingHead bytes, the payload and MACLen
// bytes. It is 24 bytes longer than the payload.
func (s *Session) SealExisting(msg []byte, now time.Time) error {
	if len(msg) < ExistingHead+MACLen {
		panic("ratchet: buffer of Existing Session too short")
	}
	if !s.Established() || s.send.exhausted() {
		return ErrClosed
	}
	tag, n := s.send.next(&s.scratch.key)
	copy(msg, tag[:])
	s.scratch.seal(n, msg[ExistingHead:len(msg)-MACLen], msg[:TagLen])
	s.sent, s.silent = now, false
	if s.unheard.IsZero() {
		s.unheard = now
	}
	s.offerNextKey(now)
	return nil
}

// Open opens the message whose tag is number n of set, in place, and returns its payload, which CheckPayload accepts,
// and its kind. Control blocks are done with; the cloves are the caller's. On error the session is unchanged (an
// authentic message with a bad payload is taken as received), and the message is destroyed.
func (s *Session) Open(set *ReceiveSet, n uint16, msg []byte, now time.Time) ([]byte, Kind, error) {
	if set.session != s || s.closed {
		return nil, 0, ErrClosed
	}
	if set.reply {
		payload, err := s.openReply(set, n, msg, now)
		return payload, NewSessionReply, err
	}
	payload, err := s.openExisting(set, n, msg, now)
	return payload, ExistingSession, err
}

func (s *Session) openExisting(set *ReceiveSet, n uint16, msg []byte, now time.Time) ([]byte, error) {
	if len(msg) < ExistingHead+MACLen {
		return nil, fmt.Errorf("ratchet: open: %w", errShort)
	}
	if !set.key(n, &s.scratch.key) {
		return nil, fmt.Errorf("ratchet: open: no key for message %d", n)
	}
	payload, err := s.scratch.open(n, msg[ExistingHead:], msg[:TagLen])
	if err != nil {
		return nil, err
	}
	s.index.remove(Tag(msg[:TagLen]))
	set.received(n)
	s.received, s.unheard = now, time.Time{}
	if s.ask != nil {
		s.picked(set, now)
	}
	if set.id > 0 && set == s.newest() {
		s.in.reply = false // the sender has our key
	}
	if err := CheckPayload(ExistingSession, payload, now); err != nil {
		return nil, err
	}
	s.control(set, n, payload, now)
	return payload, nil
}

// picked establishes Bob's session with the reply that Alice chose.
func (s *Session) picked(set *ReceiveSet, now time.Time) {
	for i := range s.ask.made {
		c := &s.ask.made[i]
		if c.receive != set {
			c.receive.close()
			continue
		}
		send := c.send
		s.send = &send
		s.receive = append(s.receive, set)
		s.confirmed = max(s.confirmed, c.token)
	}
	s.ask = nil
	s.established = now
}

func (s *Session) newest() *ReceiveSet { return s.receive[len(s.receive)-1] }

// control does what the control blocks of a checked payload ask for.
func (s *Session) control(set *ReceiveSet, n uint16, payload []byte, now time.Time) {
	for len(payload) > 0 && !s.closed {
		blk, rest, err := ParseBlock(payload)
		if err != nil {
			return
		}
		payload = rest
		switch blk.Type {
		case BlockNextKey:
			if k, err := ParseNextKey(blk.Data); err == nil {
				if k.Reverse {
					s.reverseKey(k)
				} else {
					s.forwardKey(k, set, now)
				}
			}
		case BlockAck:
			for i := range len(blk.Data) / 4 {
				s.confirmed = max(s.confirmed, s.confirm.take(ackAt(blk.Data, i)))
			}
		case BlockAckRequest:
			s.acks.add(MessageNumber{set.id, n}, now)
		case BlockTermination:
			s.Close()
		}
	}
}

// Control appends the control blocks that should go into the next Existing Session message, at most room bytes; with
// a token, a request to acknowledge that message among them. Seal that message next.
func (s *Session) Control(b []byte, room int, token uint64, now time.Time) []byte {
	if !s.Established() {
		return b
	}
	room += len(b)
	b = s.appendKeys(b, room, now)
	if s.acks.n > 0 && len(b)+BlockHeader+4 <= room {
		b = s.acks.append(b, room)
	}
	if token == 0 && s.probing(now) {
		s.confirm.probed = now
	} else if token == 0 {
		return b
	}
	if len(b)+ackReqLen <= room {
		b = AppendAckRequest(b)
		s.confirm.add(MessageNumber{s.send.id, uint16(s.send.tags)}, token)
	}
	return b
}

// probing: we talk, but nobody answers.
func (s *Session) probing(now time.Time) bool {
	return !s.unheard.IsZero() && now.Sub(s.unheard) > probeAfter && now.Sub(s.confirm.probed) > probeAfter
}

// Due reports whether the session has something to send that does not wait for data: an acknowledgement, a key, or
// Alice's first message.
func (s *Session) Due(now time.Time) bool {
	if !s.Established() || s.send.exhausted() {
		return false
	}
	return s.acks.n > 0 && !now.Before(s.acks.due) ||
		s.in.reply && s.in.tries < maxKeyRetries && !now.Before(s.in.due) ||
		s.silent && now.Sub(s.established) >= idleDelay
}

// ReplyDue reports whether a New Session has waited long enough for data to ride on its reply.
func (s *Session) ReplyDue(now time.Time) bool {
	return s.Replied() == 0 && s.CanReply(now) && now.Sub(s.created) >= idleDelay
}

// Expire drops what is too old and reports whether nothing is left of the session.
func (s *Session) Expire(now time.Time) bool {
	if s.closed {
		return true
	}
	if s.offer != nil && now.After(s.offer.replies.expires) {
		s.offer.replies.close()
		s.offer = nil
	}
	for len(s.receive) > 1 && now.After(s.receive[0].expires) {
		s.receive[0].close()
		s.receive = s.receive[1:]
	}
	var over bool
	switch {
	case s.Established():
		over = now.Sub(s.received) > ReceiveIdle && now.Sub(s.sent) > SendIdle
	case s.ask != nil && len(s.ask.made) > 0:
		over = now.Sub(s.sent) > SendIdle
	case s.ask != nil:
		over = now.Sub(s.created) > ReplyWithin
	default:
		over = s.offer == nil
	}
	if over {
		s.Close()
	}
	return over
}

// Close forgets all keys and tags.
func (s *Session) Close() {
	if s.closed {
		return
	}
	for _, r := range s.receive {
		r.close()
	}
	if s.ask != nil {
		for _, c := range s.ask.made {
			c.receive.close()
		}
		*s.ask = ask{}
	}
	if s.offer != nil {
		s.offer.replies.close()
		*s.offer = offer{}
	}
	if s.send != nil {
		*s.send = sendSet{}
	}
	*s = Session{id: s.id, remote: s.remote, index: s.index, initiator: s.initiator, created: s.created,
		received: s.received, confirmed: s.confirmed, closed: true}
}
