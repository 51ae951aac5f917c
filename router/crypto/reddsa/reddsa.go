package reddsa

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"errors"

	"filippo.io/edwards25519"
)

// Lengths in bytes.
const (
	PublicKeyLen  = 32
	PrivateKeyLen = 32
	SignatureLen  = 64
	nonceLen      = 80 // T: random bytes that go into each signature
)

// ErrPoint means that a public key is not the encoding of a point on the curve.
var ErrPoint = errors.New("reddsa: public key is not on the curve")

// GenerateKey returns a private key: a uniform scalar below the group order.
func GenerateKey() [32]byte {
	var seed [64]byte
	rand.Read(seed[:])
	return Reduce(seed)
}

// Reduce interprets 64 bytes as a little-endian number and returns it modulo the group order. It makes a private
// key or a blinding factor (alpha) out of hash output.
func Reduce(wide [64]byte) [32]byte {
	s, _ := edwards25519.NewScalar().SetUniformBytes(wide[:])
	return [32]byte(s.Bytes())
}

// FromEd25519 returns the private scalar that belongs to an Ed25519 seed, so that an Ed25519 Destination (type 7) can
// be blinded. The public key stays the same.
func FromEd25519(seed [32]byte) [32]byte {
	h := sha512.Sum512(seed[:])
	s, _ := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	return [32]byte(s.Bytes())
}

// Public derives the public key of a private key.
func Public(private [32]byte) [32]byte {
	return [32]byte(new(edwards25519.Point).ScalarBaseMult(scalar(private)).Bytes())
}

// BlindPrivate returns private + alpha modulo the group order.
func BlindPrivate(private, alpha [32]byte) [32]byte {
	return [32]byte(edwards25519.NewScalar().Add(scalar(private), scalar(alpha)).Bytes())
}

// BlindPublic returns public + alpha*B, the public key of BlindPrivate. The only error is ErrPoint.
func BlindPublic(public, alpha [32]byte) ([32]byte, error) {
	a, err := new(edwards25519.Point).SetBytes(public[:])
	if err != nil {
		return [32]byte{}, ErrPoint
	}
	b := new(edwards25519.Point).ScalarBaseMult(scalar(alpha))
	return [32]byte(b.Add(a, b).Bytes()), nil
}

// Sign returns R || S, 64 bytes, with fresh randomness: two signatures of one message differ.
func Sign(private [32]byte, msg []byte) []byte {
	a := scalar(private)
	public := new(edwards25519.Point).ScalarBaseMult(a).Bytes()
	var t [nonceLen]byte
	rand.Read(t[:])
	r := hash(t[:], public, msg)
	sig := make([]byte, 0, SignatureLen)
	sig = append(sig, new(edwards25519.Point).ScalarBaseMult(r).Bytes()...)
	c := hash(sig, public, msg)
	return append(sig, c.MultiplyAdd(c, a, r).Bytes()...)
}

// Verify reports whether sig is a signature of msg. Keys and signatures of a wrong length are invalid.
func Verify(public, msg, sig []byte) bool {
	return len(public) == PublicKeyLen && len(sig) == SignatureLen && ed25519.Verify(public, msg, sig)
}

// scalar reads 32 bytes little-endian modulo the group order; keys that came from elsewhere need not be reduced.
func scalar(b [32]byte) *edwards25519.Scalar {
	var wide [64]byte
	copy(wide[:], b[:])
	s, _ := edwards25519.NewScalar().SetUniformBytes(wide[:])
	return s
}

func hash(prefix, public, msg []byte) *edwards25519.Scalar {
	h := sha512.New()
	h.Write(prefix)
	h.Write(public)
	h.Write(msg)
	s, _ := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	return s
}
