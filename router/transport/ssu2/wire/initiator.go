package wire

import (
	"fmt"
	"io"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// An Initiator is Alice's side of one handshake.
//
//	[TokenRequest -> OpenRetry] -> Request -> OpenCreated -> Confirmed -> Keys
//	                               ^ OpenRetry |
//
// OpenCreated and OpenRetry may be tried with any packet, as often as wanted: only the right one changes anything. Request may be
// called again, after a Retry: it starts over with a new ephemeral key, and a copy of the Initiator made before still opens the
// SessionCreated of the request before. To send again is to send the same bytes.
type Initiator struct {
	c         InitiatorConfig
	intro     *Intro // Bob's
	state     handshakeState
	noise     noise.Symmetric
	ephemeral keys.X25519Private
	kem       *mlkem.PrivateKey // nil if plain
	created   *HeaderKey        // second key of SessionCreated
	confirmed *HeaderKey        // second key of SessionConfirmed
	peer      keys.X25519Public // Bob's ephemeral key
}

// InitiatorConfig is what Alice knows before.
type InitiatorConfig struct {
	NetworkID    byte
	Variant      Variant
	SrcID        ConnectionID // ours, random
	DestID       ConnectionID // Bob's, random, another one
	Static       keys.X25519Private
	RemoteStatic keys.X25519Public // s of Bob's address
	RemoteIntro  IntroKey          // i of Bob's address
	RemoteHash   i2p.Hash          // for the hybrid variants
	Random       io.Reader         // nil: crypto/rand
}

// NewInitiator makes an Initiator.
func NewInitiator(c InitiatorConfig) (*Initiator, error) {
	if c.SrcID == c.DestID {
		return nil, ErrConnectionID
	}
	if c.Variant > MLKEM768 {
		return nil, fmt.Errorf("%w: %v", ErrVersion, c.Variant)
	}
	c.Random = orRand(c.Random)
	return &Initiator{c: c, intro: NewIntro(c.RemoteIntro)}, nil
}

// SrcID is our connection ID: the destination of packets to us.
func (i *Initiator) SrcID() ConnectionID { return i.c.SrcID }

// DestID is Bob's connection ID.
func (i *Initiator) DestID() ConnectionID { return i.c.DestID }

// header is a long header to Bob.
func (i *Initiator) header(t Type, token Token) Header {
	return Header{
		DestID: i.c.DestID, SrcID: i.c.SrcID, Token: token, Number: randomNumber(i.c.Random),
		Type: t, Version: i.c.Variant.Version(), NetworkID: i.c.NetworkID,
	}
}

// TokenRequest makes the packet that asks Bob for a token, OutsideOverhead + len(payload) bytes: DateTime and Padding.
func (i *Initiator) TokenRequest(payload []byte) []byte {
	return i.intro.Seal(i.header(TokenRequest, 0), payload)
}

// OpenRetry opens in place Bob's answer to a TokenRequest, or to a SessionRequest with a token that he does not know. The token
// is in the header: zero if he refuses, with a Termination block that says why. The payload aliases packet. Anybody who knows
// Bob's intro key can write a Retry.
func (i *Initiator) OpenRetry(packet []byte) (h Header, payload []byte, err error) {
	if i.state != stateNew && i.state != stateRequest {
		return h, nil, ErrState
	}
	if h, payload, err = i.intro.Open(packet, Retry, i.c.NetworkID); err != nil {
		return h, nil, err
	}
	if h.DestID != i.c.SrcID || h.SrcID != i.c.DestID {
		return h, nil, ErrConnectionID
	}
	return h, payload, nil
}

// Request makes SessionRequest, Variant.RequestOverhead() + len(payload) bytes ("SessionRequest"): e, es, with the hybrid
// variants e1, and the payload, at least MinPayload: DateTime, RelayTagRequest, Padding. The error is that of a static key of low
// order.
func (i *Initiator) Request(token Token, payload []byte) ([]byte, error) {
	if i.state != stateNew && i.state != stateRequest {
		return nil, ErrState
	}
	if len(payload) < MinPayload {
		return nil, fmt.Errorf("SessionRequest: %w", ErrShort)
	}
	s := newNoise(i.c.Variant, i.c.RemoteStatic, i.c.RemoteHash)
	ephemeral := ephemeralKey(i.c.Random)
	room := i.c.Variant.RequestOverhead() - LongHeaderLen - KeyLen + len(payload)
	packet := startMessage(&s, i.header(SessionRequest, token), ephemeral.Public(), room)
	if err := mixDH(&s, ephemeral, i.c.RemoteStatic); err != nil {
		return nil, fmt.Errorf("SessionRequest: %w", err)
	}
	if i.c.Variant != Plain {
		kem, err := mlkem.GenerateKey(i.c.Variant.params())
		if err != nil {
			return nil, fmt.Errorf("SessionRequest: %w", err)
		}
		i.kem = kem
		packet = s.EncryptAndHash(packet, kem.EncapsulationKey())
	}
	packet = s.EncryptAndHash(packet, payload)
	i.noise, i.ephemeral, i.state = s, ephemeral, stateRequest
	i.created = headerKey(&s, infoCreated)
	protect(packet, i.intro.header, i.intro.header, LongHeaderLen-ShortHeaderLen+KeyLen)
	return packet, nil
}

// OpenCreated opens SessionCreated in place ("SessionCreated"): e, ee, with the hybrid variants ekem1, and the payload, which
// aliases packet. ErrType, which leaves the packet unchanged, may mean a Retry.
func (i *Initiator) OpenCreated(packet []byte) (h Header, payload []byte, err error) {
	if i.state != stateRequest {
		return h, nil, ErrState
	}
	if h, err = OpenHeader(packet, i.intro.header, i.created); err != nil {
		return h, nil, err
	}
	if h.Type != SessionCreated {
		return h, nil, fmt.Errorf("%w: %v", ErrType, h.Type)
	}
	if err := i.checkCreated(&h, len(packet)); err != nil {
		return h, nil, err
	}
	s := i.noise
	y, rest := takeMessage(&s, &h, packet, i.created)
	if err := mixDH(&s, i.ephemeral, y); err != nil {
		return h, nil, fmt.Errorf("SessionCreated: %w", err)
	}
	if i.c.Variant != Plain {
		sealed := rest[:withTag(i.c.Variant.ciphertextLen())]
		rest = rest[len(sealed):]
		ciphertext, err := s.DecryptAndHash(sealed[:0], sealed)
		if err != nil {
			return h, nil, ErrAuthentication
		}
		secret, err := i.kem.Decapsulate(ciphertext)
		if err != nil {
			return h, nil, fmt.Errorf("SessionCreated: %w", err)
		}
		s.MixKey(secret[:])
	}
	if payload, err = openPayload(&s, rest); err != nil {
		return h, nil, err
	}
	i.noise, i.peer, i.state = s, y, stateCreated
	i.confirmed = headerKey(&s, infoConfirmed)
	return h, payload, nil
}

func (i *Initiator) checkCreated(h *Header, n int) error {
	if err := h.checkLong(i.c.NetworkID); err != nil {
		return err
	}
	if h.Version != i.c.Variant.Version() {
		return fmt.Errorf("%w: %d", ErrVersion, h.Version)
	}
	if h.DestID != i.c.SrcID || h.SrcID != i.c.DestID {
		return ErrConnectionID
	}
	if n < i.c.Variant.CreatedOverhead()+MinPayload {
		return fmt.Errorf("SessionCreated: %w", ErrShort)
	}
	return nil
}

// Confirmed makes SessionConfirmed ("SessionConfirmed", "Session Confirmed Fragmentation"): s, se, and the payload, of which
// RouterInfo is the first block. It takes as many packets of at most maxPacket bytes as it needs: ConfirmedOverhead +
// len(payload) bytes fit into one. i2pd takes no more than two.
func (i *Initiator) Confirmed(payload []byte, maxPacket int) ([][]byte, error) {
	if i.state != stateCreated {
		return nil, ErrState
	}
	if err := checkConfirmed(payload); err != nil {
		return nil, err
	}
	sizes, err := splitConfirmed(confirmedStaticLen+len(payload)+TagLen, maxPacket)
	if err != nil {
		return nil, err
	}
	h := Header{DestID: i.c.DestID, Type: SessionConfirmed, Frag: byte(len(sizes))}
	var raw [ShortHeaderLen]byte
	h.put(raw[:])
	s := i.noise
	s.MixHash(raw[:])
	static := i.c.Static.Public()
	whole := s.EncryptAndHash(make([]byte, 0, confirmedStaticLen+len(payload)+TagLen), static[:])
	if err := mixDH(&s, i.c.Static, i.peer); err != nil {
		return nil, fmt.Errorf("SessionConfirmed: %w", err)
	}
	whole = s.EncryptAndHash(whole, payload)
	packets := make([][]byte, len(sizes))
	for n, size := range sizes {
		h.Frag = byte(n<<4 | len(sizes))
		packet := make([]byte, ShortHeaderLen, ShortHeaderLen+size)
		h.put(packet)
		packets[n], whole = append(packet, whole[:size]...), whole[size:]
		protect(packets[n], i.intro.header, i.confirmed, 0)
	}
	i.noise, i.state = s, stateDone
	i.ephemeral, i.kem = keys.X25519Private{}, nil
	return packets, nil
}

// Keys are the keys of the session, after Confirmed.
func (i *Initiator) Keys() DataKeys {
	if i.state != stateDone {
		panic("wire: keys of an unfinished handshake")
	}
	ab, ba := splitData(&i.noise)
	return DataKeys{Send: ab, Receive: ba}
}
