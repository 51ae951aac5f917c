package wire

import (
	"fmt"
	"io"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// A Responder is Bob's side of one handshake.
//
//	OpenRequest -> Created -> OpenConfirmed (once per fragment) -> RemoteStatic, Keys
//
// Before it the caller has checked the token that OpenHeader shows: OpenRequest costs a DH. It and OpenConfirmed may be tried
// with any packet; only the right one changes anything. A SessionRequest that comes again is the caller's to recognize, and
// SessionCreated to send again as it was.
type Responder struct {
	c         ResponderConfig
	header    *HeaderKey // our intro key
	state     handshakeState
	variant   Variant
	noise     noise.Symmetric
	srcID     ConnectionID // ours
	destID    ConnectionID // Alice's
	x         keys.X25519Public
	kem       []byte // Alice's encapsulation key
	ephemeral keys.X25519Private
	created   *HeaderKey // second key of SessionCreated
	confirmed *HeaderKey // second key of SessionConfirmed
	fragments reassembly
	failures  int
	static    keys.X25519Public
}

// ResponderConfig is what Bob is; it is the same for all his handshakes.
type ResponderConfig struct {
	NetworkID byte
	Static    keys.X25519Private
	Intro     IntroKey
	Hash      i2p.Hash  // for the hybrid variants
	MLKEM512  bool      // taken, beside the plain variant
	MLKEM768  bool      // likewise
	Random    io.Reader // nil: crypto/rand
}

func (c *ResponderConfig) takes(v Variant) bool {
	return v == Plain || v == MLKEM512 && c.MLKEM512 || v == MLKEM768 && c.MLKEM768
}

// NewResponder makes a Responder for one SessionRequest.
func NewResponder(c ResponderConfig) *Responder {
	c.Random = orRand(c.Random)
	return &Responder{c: c, header: NewHeaderKey(c.Intro)}
}

// SrcID is our connection ID, which Alice chose: the destination of packets to us. Known after OpenRequest.
func (r *Responder) SrcID() ConnectionID { return r.srcID }

// DestID is Alice's connection ID.
func (r *Responder) DestID() ConnectionID { return r.destID }

// Variant is the handshake's, known after OpenRequest.
func (r *Responder) Variant() Variant { return r.variant }

// OpenRequest opens SessionRequest in place. The payload aliases packet; the token in the header is for the caller, better before
// (OpenHeader).
func (r *Responder) OpenRequest(packet []byte) (h Header, payload []byte, err error) {
	if r.state != stateNew {
		return h, nil, ErrState
	}
	if h, err = OpenHeader(packet, r.header, r.header); err != nil {
		return h, nil, err
	}
	v, err := r.checkRequest(&h, len(packet))
	if err != nil {
		return h, nil, err
	}
	s := newNoise(v, r.c.Static.Public(), r.c.Hash)
	x, rest := takeMessage(&s, &h, packet, r.header)
	if err := mixDH(&s, r.c.Static, x); err != nil {
		return h, nil, fmt.Errorf("SessionRequest: %w", err)
	}
	var kem []byte
	if v != Plain {
		sealed := rest[:withTag(v.keyLen())]
		rest = rest[len(sealed):]
		if kem, err = s.DecryptAndHash(make([]byte, 0, len(sealed)), sealed); err != nil {
			return h, nil, ErrAuthentication
		}
		if err := mlkem.Check(v.params(), kem); err != nil {
			return h, nil, fmt.Errorf("SessionRequest: %w", err)
		}
	}
	if payload, err = openPayload(&s, rest); err != nil {
		return h, nil, err
	}
	r.noise, r.variant, r.x, r.kem, r.state = s, v, x, kem, stateRequest
	r.srcID, r.destID = h.DestID, h.SrcID
	r.created = headerKey(&s, infoCreated)
	return h, payload, nil
}

func (r *Responder) checkRequest(h *Header, n int) (Variant, error) {
	if h.Type != SessionRequest {
		return 0, fmt.Errorf("%w: %v", ErrType, h.Type)
	}
	if err := h.checkLong(r.c.NetworkID); err != nil {
		return 0, err
	}
	v, _ := VariantOf(h.Version)
	if !r.c.takes(v) {
		return 0, fmt.Errorf("%w: %v", ErrVersion, v)
	}
	if n < v.RequestOverhead()+MinPayload {
		return 0, fmt.Errorf("SessionRequest: %w", ErrShort)
	}
	return v, nil
}

// Created makes SessionCreated, Variant().CreatedOverhead() + len(payload) bytes: e, ee, with the hybrid variants ekem1, and the
// payload: DateTime, Address, RelayTag, Padding. Once only.
func (r *Responder) Created(payload []byte) ([]byte, error) {
	if r.state != stateRequest {
		return nil, ErrState
	}
	if len(payload) < MinPayload {
		return nil, fmt.Errorf("SessionCreated: %w", ErrShort)
	}
	s := r.noise
	ephemeral := ephemeralKey(r.c.Random)
	h := Header{
		DestID: r.destID, SrcID: r.srcID, Number: randomNumber(r.c.Random),
		Type: SessionCreated, Version: r.variant.Version(), NetworkID: r.c.NetworkID,
	}
	packet := startMessage(&s, h, ephemeral.Public(), r.variant.CreatedOverhead()-LongHeaderLen-KeyLen+len(payload))
	if err := mixDH(&s, ephemeral, r.x); err != nil {
		return nil, fmt.Errorf("SessionCreated: %w", err)
	}
	if r.variant != Plain {
		secret, ciphertext, err := mlkem.Encapsulate(r.variant.params(), r.kem)
		if err != nil {
			return nil, fmt.Errorf("SessionCreated: %w", err)
		}
		packet = s.EncryptAndHash(packet, ciphertext)
		s.MixKey(secret[:])
	}
	packet = s.EncryptAndHash(packet, payload)
	r.noise, r.ephemeral, r.kem, r.state = s, ephemeral, nil, stateCreated
	r.confirmed = headerKey(&s, infoConfirmed)
	protect(packet, r.header, r.created, LongHeaderLen-ShortHeaderLen+KeyLen)
	return packet, nil
}

// OpenConfirmed takes SessionConfirmed, or a fragment of it, in any order and more than once. It is complete with the last one
// missing; the payload then is the caller's to keep if there were fragments, and aliases packet if not.
//
// ErrType, which leaves packet unchanged, means anything else: a data packet that overtook it, a SessionRequest that came again.
// If what the fragments give is not authentic they are all forgotten, and wait to be sent again; after maxConfirmedFailures of
// those the handshake is over (ErrState).
func (r *Responder) OpenConfirmed(packet []byte) (payload []byte, complete bool, err error) {
	if r.state != stateCreated {
		return nil, false, ErrState
	}
	h, err := OpenHeader(packet, r.header, r.confirmed)
	if err != nil {
		return nil, false, err
	}
	if h.Type != SessionConfirmed || h.Number != 0 {
		return nil, false, fmt.Errorf("%w: %v", ErrType, h.Type)
	}
	if h.DestID != r.srcID {
		return nil, false, ErrConnectionID
	}
	whole := packet[ShortHeaderLen:]
	if h.Frag != 0x01 { // not the first of one
		if h, whole, err = r.fragments.add(h, whole); whole == nil {
			return nil, false, err
		}
	}
	if payload, err = r.openConfirmed(&h, whole); err != nil {
		if r.failures++; r.failures >= maxConfirmedFailures {
			r.state = stateFailed
		}
		return nil, false, err
	}
	return payload, true, nil
}

// openConfirmed opens the whole of SessionConfirmed in place, h being the header of its first fragment.
func (r *Responder) openConfirmed(h *Header, whole []byte) ([]byte, error) {
	if len(whole) < confirmedStaticLen+MinPayload+TagLen {
		return nil, fmt.Errorf("SessionConfirmed: %w", ErrShort)
	}
	var raw [ShortHeaderLen]byte
	h.put(raw[:])
	s := r.noise
	s.MixHash(raw[:])
	part1, part2 := whole[:confirmedStaticLen], whole[confirmedStaticLen:]
	plain, err := s.DecryptAndHash(part1[:0], part1)
	if err != nil {
		return nil, ErrAuthentication
	}
	static := keys.X25519Public(plain)
	if err := mixDH(&s, r.ephemeral, static); err != nil {
		return nil, fmt.Errorf("SessionConfirmed: %w", err)
	}
	payload, err := openPayload(&s, part2)
	if err == nil {
		err = checkConfirmed(payload)
	}
	if err != nil {
		return nil, err
	}
	r.noise, r.static, r.state = s, static, stateDone
	r.ephemeral, r.fragments = keys.X25519Private{}, reassembly{}
	return payload, nil
}

// RemoteStatic is Alice's static key, known after OpenConfirmed: the caller compares it with her RouterInfo.
func (r *Responder) RemoteStatic() keys.X25519Public { return r.static }

// Keys are the keys of the session, after OpenConfirmed.
func (r *Responder) Keys() DataKeys {
	if r.state != stateDone {
		panic("wire: keys of an unfinished handshake")
	}
	ab, ba := splitData(&r.noise)
	return DataKeys{Send: ba, Receive: ab}
}
