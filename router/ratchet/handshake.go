package ratchet

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/crypto/elligator2"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/noise"
)

// ErrReplay: a New Session with an ephemeral key that was seen before.
var ErrReplay = errors.New("ratchet: New Session replayed")

// Entropy makes key pairs. The zero value uses crypto/rand; tests inject their own.
type Entropy struct {
	Elligator func() (private, public, representative [32]byte)
	X25519    func() (keys.X25519Private, error)
}

// Options of an Identity. The zero value is the default.
type Options struct {
	Entropy Entropy
	// RatchetAfter messages in a tag set the next one is prepared; 0 is RatchetAfter of limits.go.
	RatchetAfter int
}

// An Identity is our side of sessions: the static key and what is precomputed from it.
type Identity struct {
	static  keys.X25519Private
	public  keys.X25519Public
	initial noise.Symmetric // up to our static key: where each New Session to us starts

	entropy      Entropy
	ratchetAfter int
}

// NewIdentity prepares the identity of a static key.
func NewIdentity(static keys.X25519Private, o Options) *Identity {
	e := o.Entropy
	if e.Elligator == nil {
		e.Elligator = elligator2.GenerateKey
	}
	if e.X25519 == nil {
		e.X25519 = keys.GenerateX25519
	}
	if o.RatchetAfter <= 0 {
		o.RatchetAfter = RatchetAfter
	}
	id := &Identity{static: static, public: static.Public(), entropy: e, ratchetAfter: o.RatchetAfter}
	id.initial = initialState(id.public)
	return id
}

// Public is the static public key.
func (id *Identity) Public() keys.X25519Public { return id.public }

func initialState(responder keys.X25519Public) noise.Symmetric {
	s := noise.New(protocolName)
	s.MixHash(nil)
	s.MixHash(responder[:])
	return s
}

// A Remote is the far end: its static key, and the DH of both static keys once it was needed.
type Remote struct {
	Key    keys.X25519Public
	shared [32]byte
	known  bool
}

func (r *Remote) dh(id *Identity) (*[32]byte, error) {
	if !r.known {
		s, err := id.static.DH(r.Key)
		if err != nil {
			return nil, err
		}
		r.shared, r.known = s, true
	}
	return &r.shared, nil
}

// Offer makes a New Session message (1b) in place: msg is NewSessionHead bytes, the payload (a DateTime block first)
// and MACLen bytes. The replies that may come are in x.
func Offer(id *Identity, remote *Remote, x *Index, msg []byte, now time.Time) (*Session, error) {
	if len(msg) < NewSessionHead+MACLen {
		panic("ratchet: buffer of New Session too short")
	}
	shared, err := remote.dh(id)
	if err != nil {
		return nil, fmt.Errorf("ratchet: offer: %w", err)
	}
	state, ephemeral, err := offerStatic(id, remote.Key, id.public, msg)
	if err != nil {
		return nil, fmt.Errorf("ratchet: offer: %w", err)
	}
	state.MixKey(shared[:]) // ss
	state.EncryptAndHash(msg[:NewSessionHead], msg[NewSessionHead:len(msg)-MACLen])
	s := &Session{id: id, remote: remote, index: x, initiator: true, created: now, sent: now}
	s.offer = &offer{state: state, ephemeral: ephemeral}
	s.offer.replies = newReceiveSet(s, x, newReplyChain(state.ChainKey()), 0, true)
	s.offer.replies.expires = now.Add(replyTagsLifetime)
	return s, nil
}

// SealUnbound makes a New Session message without binding (1c, 1d) in place; msg is as for Offer. There is no session
// and no reply.
func SealUnbound(id *Identity, remote keys.X25519Public, msg []byte) error {
	if len(msg) < NewSessionHead+MACLen {
		panic("ratchet: buffer of New Session too short")
	}
	state, _, err := offerStatic(id, remote, keys.X25519Public{}, msg)
	if err != nil {
		return fmt.Errorf("ratchet: seal unbound: %w", err)
	}
	state.EncryptAndHash(msg[:NewSessionHead], msg[NewSessionHead:len(msg)-MACLen])
	return nil
}

// offerStatic writes the first 80 bytes of a New Session: e, es, and s or, unbound, the flags section of zeros.
//
//	+----+----+ ... +----+----+ ... +----+----+ ... +
//	| ephemeral 32  | static 32     | MAC 16        |
//	+----+----+ ... +----+----+ ... +----+----+ ... +
func offerStatic(id *Identity, remote, static keys.X25519Public, msg []byte) (noise.Symmetric, keys.X25519Private, error) {
	private, public, representative := id.entropy.Elligator()
	ephemeral := keys.NewX25519(private)
	state := initialState(remote)
	state.MixHash(public[:])
	es, err := ephemeral.DH(remote)
	if err != nil {
		return state, ephemeral, err
	}
	state.MixKey(es[:])
	copy(msg[:32], representative[:])
	copy(msg[32:64], static[:])
	state.EncryptAndHash(msg[:32], msg[32:64])
	return state, ephemeral, nil
}

// Accept opens a New Session message in place (1b, 1c, 1d). The session is nil if it is unbound. On error nothing is
// kept, and the message is destroyed.
func Accept(id *Identity, x *Index, seen *Filter, msg []byte, now time.Time) (s *Session, payload []byte, err error) {
	if len(msg) < NewSessionHead+DateTimeLen+MACLen {
		return nil, nil, fmt.Errorf("ratchet: accept: %w", errShort)
	}
	public := elligator2.Decode([32]byte(msg[:32]))
	// The key, not its encoding: a replay could choose another of the eight encodings.
	if seen.Has(public, now) {
		return nil, nil, ErrReplay
	}
	state := id.initial
	state.MixHash(public[:])
	es, err := id.static.DH(public)
	if err != nil {
		return nil, nil, fmt.Errorf("ratchet: accept: %w", err)
	}
	state.MixKey(es[:])
	static, err := state.DecryptAndHash(msg[32:32], msg[32:NewSessionHead])
	if err != nil {
		return nil, nil, fmt.Errorf("ratchet: accept: static key: %w", err)
	}
	remote := &Remote{Key: keys.X25519Public(static)}
	bound := remote.Key != keys.X25519Public{}
	if bound {
		ss, err := remote.dh(id)
		if err != nil {
			return nil, nil, fmt.Errorf("ratchet: accept: %w", err)
		}
		state.MixKey(ss[:])
	}
	payload, err = state.DecryptAndHash(msg[NewSessionHead:NewSessionHead], msg[NewSessionHead:])
	if err != nil {
		return nil, nil, fmt.Errorf("ratchet: accept: payload: %w", err)
	}
	if err := CheckPayload(NewSession, payload, now); err != nil {
		return nil, nil, err
	}
	seen.Add(public, now)
	if !bound {
		return nil, payload, nil
	}
	s = &Session{id: id, remote: remote, index: x, created: now, received: now}
	s.ask = &ask{state: state, ephemeral: public, tags: newReplyChain(state.ChainKey())}
	return s, payload, nil
}

// An offer is Alice's state until the replies to her New Session are over.
type offer struct {
	state     noise.Symmetric // after the New Session
	ephemeral keys.X25519Private
	replies   *ReceiveSet
}

// An ask is Bob's state until Alice's first Existing Session message.
type ask struct {
	state     noise.Symmetric // after the New Session
	ephemeral keys.X25519Public
	tags      chain
	made      []candidate
}

// A candidate is the pair of tag sets of one reply. Alice picks one by using it.
type candidate struct {
	send    sendSet
	receive *ReceiveSet
	token   uint64
}

// SealReply makes a New Session Reply (1g) in place: msg is ReplyHead bytes, the payload and MACLen bytes. Each reply
// has an ephemeral key, and so a payload key, of its own: two payloads under one key would give both away.
//
//	+----+----+ ... +----+----+ ... +----+----+ ... +
//	| tag 8         | ephemeral 32  | MAC 16        |
//	+----+----+ ... +----+----+ ... +----+----+ ... +
func (s *Session) SealReply(msg []byte, token uint64, now time.Time) error {
	if len(msg) < ReplyHead+MACLen {
		panic("ratchet: buffer of New Session Reply too short")
	}
	if !s.CanReply(now) {
		return ErrClosed
	}
	private, public, representative := s.id.entropy.Elligator()
	ephemeral := keys.NewX25519(private)
	ee, err := ephemeral.DH(s.ask.ephemeral)
	if err != nil {
		return fmt.Errorf("ratchet: seal reply: %w", err)
	}
	se, err := ephemeral.DH(s.remote.Key)
	if err != nil {
		return fmt.Errorf("ratchet: seal reply: %w", err)
	}
	tag := s.ask.tags.nextTag()
	copy(msg[:TagLen], tag[:])
	copy(msg[TagLen:TagLen+32], representative[:])

	state := s.ask.state
	state.MixHash(tag[:])
	state.MixHash(public[:])
	state.MixKey(ee[:])
	state.MixKey(se[:])
	state.EncryptAndHash(msg[:TagLen+32], nil)
	ab, ba, attach := splitReply(&state)
	h := state.Hash()
	noise.Seal(msg[:ReplyHead], &attach, 0, msg[ReplyHead:len(msg)-MACLen], h[:])

	ck := state.ChainKey()
	s.ask.made = append(s.ask.made, candidate{
		send:    sendSet{chain: newChain(&ck, &ba)},
		receive: newReceiveSet(s, s.index, newChain(&ck, &ab), 0, false),
		token:   token,
	})
	s.sent = now
	return nil
}

// splitReply derives the keys of both directions and that of the reply's payload (1g). The specification's text repeats
// the section of the New Session there; this is proposal 144, as every router does it.
func splitReply(state *noise.Symmetric) (ab, ba, attach [32]byte) {
	ab, ba = state.Split()
	noise.HKDF(ba[:], nil, infoReplyAttach, &attach)
	return ab, ba, attach
}

// openReply opens a New Session Reply; the first one establishes the session.
func (s *Session) openReply(set *ReceiveSet, n uint16, msg []byte, now time.Time) ([]byte, error) {
	if s.offer == nil || len(msg) < ReplyHead+MACLen {
		return nil, fmt.Errorf("ratchet: open reply: %w", errShort)
	}
	tag := Tag(msg[:TagLen])
	public := elligator2.Decode([32]byte(msg[TagLen : TagLen+32]))
	ee, err := s.offer.ephemeral.DH(public)
	if err != nil {
		return nil, fmt.Errorf("ratchet: open reply: %w", err)
	}
	se, err := s.id.static.DH(public)
	if err != nil {
		return nil, fmt.Errorf("ratchet: open reply: %w", err)
	}
	state := s.offer.state
	state.MixHash(tag[:])
	state.MixHash(public[:])
	state.MixKey(ee[:])
	state.MixKey(se[:])
	if _, err := state.DecryptAndHash(nil, msg[TagLen+32:ReplyHead]); err != nil {
		return nil, fmt.Errorf("ratchet: open reply: key: %w", err)
	}
	ab, ba, attach := splitReply(&state)
	h := state.Hash()
	payload, err := noise.Open(msg[ReplyHead:ReplyHead], &attach, 0, msg[ReplyHead:], h[:])
	if err != nil {
		return nil, fmt.Errorf("ratchet: open reply: payload: %w", err)
	}
	s.index.remove(tag)
	set.received(n)
	s.received = now
	if err := CheckPayload(NewSessionReply, payload, now); err != nil {
		return nil, err
	}
	s.confirmed = max(s.confirmed, s.offerToken)
	if !s.Established() && !s.retired {
		ck := state.ChainKey()
		s.send = &sendSet{chain: newChain(&ck, &ab)}
		s.receive = append(s.receive, newReceiveSet(s, s.index, newChain(&ck, &ba), 0, false))
		s.established = now
		s.silent = true
	}
	return payload, nil
}
