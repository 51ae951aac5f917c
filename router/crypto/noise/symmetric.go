package noise

import "crypto/sha256"

// Symmetric is the state h, ck, k, n. After an error from DecryptAndHash it is unchanged, and another message may be
// tried if the protocol allows.
type Symmetric struct {
	h, ck, k [32]byte
	n        uint64
	keyed    bool
}

// New starts with the name of the protocol: padded with zeros to 32 bytes, or hashed if it is longer. The caller mixes
// the prologue, which in I2P is always empty but is mixed: s.MixHash(nil).
func New(protocol string) Symmetric {
	var s Symmetric
	if len(protocol) <= len(s.h) {
		copy(s.h[:], protocol)
	} else {
		s.h = sha256.Sum256([]byte(protocol))
	}
	s.ck = s.h
	return s
}

// MixHash sets h = SHA256(h || data).
func (s *Symmetric) MixHash(data []byte) { s.h = s.mixed(data) }

func (s *Symmetric) mixed(data []byte) [32]byte {
	var stack [32 + 512]byte // every message fits but the last of NTCP2 and those with ML-KEM, which may allocate
	buf := append(append(stack[:0], s.h[:]...), data...)
	return sha256.Sum256(buf)
}

// MixKey sets ck and k from HKDF(ck, ikm) and n to 0.
func (s *Symmetric) MixKey(ikm []byte) {
	HKDF(s.ck[:], ikm, "", &s.ck, &s.k)
	s.n, s.keyed = 0, true
}

// EncryptAndHash appends the ciphertext and its 16-byte tag to dst and mixes them into h. To encrypt in place, dst is
// plaintext[:0] with room for the tag.
func (s *Symmetric) EncryptAndHash(dst, plaintext []byte) []byte {
	at := len(dst)
	if s.keyed {
		dst = Seal(dst, &s.k, s.n, plaintext, s.h[:])
		s.n++
	} else {
		dst = append(dst, plaintext...)
	}
	s.MixHash(dst[at:])
	return dst
}

// DecryptAndHash appends the plaintext to dst and mixes the ciphertext into h. In place, dst is ciphertext[:0]. The
// only error is ErrAuthentication; the state is then unchanged, but the bytes behind dst are not.
func (s *Symmetric) DecryptAndHash(dst, ciphertext []byte) ([]byte, error) {
	h := s.mixed(ciphertext)
	if s.keyed {
		var err error
		if dst, err = Open(dst, &s.k, s.n, ciphertext, s.h[:]); err != nil {
			return nil, err
		}
		s.n++
	} else {
		dst = append(dst, ciphertext...)
	}
	s.h = h
	return dst, nil
}

// Hash is h: the associated data of a message that is not part of the transcript.
func (s *Symmetric) Hash() [32]byte { return s.h }

// ChainKey is ck, from which I2P derives more keys than Split gives.
func (s *Symmetric) ChainKey() [32]byte { return s.ck }

// Key is the cipher key of the last MixKey, all zero before it.
func (s *Symmetric) Key() [32]byte { return s.k }

// SetNonce sets n for the next message.
func (s *Symmetric) SetNonce(n uint64) { s.n = n }

// Split returns the keys for data from the initiator and to it.
func (s *Symmetric) Split() (ab, ba [32]byte) {
	HKDF(s.ck[:], nil, "", &ab, &ba)
	return ab, ba
}
