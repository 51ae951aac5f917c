package wire

import (
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// handshakeState is how far a handshake is.
type handshakeState uint8

const (
	stateNew handshakeState = iota
	stateRequest
	stateCreated
	stateDone
	stateFailed
)

// newNoise is the state that both sides start from ("KDF for Initial ChainKey"). The hybrid variants mix the hash of Bob's router
// as well, so that the handshake cannot be passed on to another router ("SSU2 Hybrid", SessionRequest; the text of proposal 169
// does not have it yet, emissary does it).
func newNoise(v Variant, static keys.X25519Public, bob i2p.Hash) noise.Symmetric {
	s := noise.New(v.protocol())
	s.MixHash(nil) // prologue
	s.MixHash(static[:])
	if v != Plain {
		s.MixHash(bob[:])
	}
	return s
}

// headerKey derives the second header key of the next message from the chain key: SessCreateHeader or SessionConfirmed.
func headerKey(s *noise.Symmetric, info string) *HeaderKey {
	ck := s.ChainKey()
	var k [KeyLen]byte
	noise.HKDF(ck[:], nil, info, &k)
	return NewHeaderKey(k)
}

const (
	infoCreated   = "SessCreateHeader"
	infoConfirmed = "SessionConfirmed"
)

// startMessage starts SessionRequest or SessionCreated: the header and e, written and mixed. room is what follows.
func startMessage(s *noise.Symmetric, h Header, e keys.X25519Public, room int) []byte {
	packet := make([]byte, LongHeaderLen, LongHeaderLen+KeyLen+room)
	h.put(packet)
	s.MixHash(packet)
	s.MixHash(e[:])
	return append(packet, e[:]...)
}

// takeMessage undoes startMessage in place, h being the packet's opened header, and returns e and what follows.
func takeMessage(s *noise.Symmetric, h *Header, packet []byte, k2 *HeaderKey) (e keys.X25519Public, rest []byte) {
	k2.xor(packet[ShortHeaderLen : LongHeaderLen+KeyLen])
	h.put(packet)
	s.MixHash(packet[:LongHeaderLen])
	e = keys.X25519Public(packet[LongHeaderLen : LongHeaderLen+KeyLen])
	s.MixHash(e[:])
	return e, packet[LongHeaderLen+KeyLen:]
}

// mixDH mixes the secret of two keys; the error is that of a public key of low order.
func mixDH(s *noise.Symmetric, k keys.X25519Private, public keys.X25519Public) error {
	secret, err := k.DH(public)
	if err != nil {
		return err
	}
	s.MixKey(secret[:])
	clear(secret[:])
	return nil
}

// open opens the last part of a message, in place, and checks its blocks.
func openPayload(s *noise.Symmetric, sealed []byte) ([]byte, error) {
	payload, err := s.DecryptAndHash(sealed[:0], sealed)
	if err != nil {
		return nil, ErrAuthentication
	}
	_, err = ParseBlocks(payload)
	return payload, err
}

func (v Variant) params() mlkem.Params {
	switch v {
	case MLKEM512:
		return mlkem.MLKEM512
	case MLKEM768:
		return mlkem.MLKEM768
	}
	return 0
}
