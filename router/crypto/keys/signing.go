package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"clove.i2p/router/crypto/reddsa"
)

// Errors of the private side.
var (
	ErrUnsupported = errors.New("keys: type not supported")
	ErrLength      = errors.New("keys: wrong length")
)

// A SigningPrivateKey signs. It does not print. The zero value holds no key: IsZero reports it, and its methods other
// than that panic.
type SigningPrivateKey struct{ s *hidden[*signer] }

type signer struct {
	public SigningPublicKey
	raw    []byte
	ed     ed25519.PrivateKey // type 7
	ec     *ecdsa.PrivateKey  // types 1 to 3
}

// GenerateSigning makes a key of type 7, 11 or 1 to 3; ErrUnsupported otherwise.
func GenerateSigning(t SigType) (SigningPrivateKey, error) {
	switch t {
	case SigEd25519:
		seed := make([]byte, ed25519.SeedSize)
		rand.Read(seed)
		return NewSigningPrivateKey(t, seed)
	case SigRed25519:
		k := reddsa.GenerateKey()
		return NewSigningPrivateKey(t, k[:])
	case SigECDSAP256, SigECDSAP384, SigECDSAP521:
		curve, _ := ecdsaParts(t, nil)
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return SigningPrivateKey{}, fmt.Errorf("keys: generate %s: %w", t, err)
		}
		raw, err := k.Bytes()
		if err != nil {
			return SigningPrivateKey{}, fmt.Errorf("keys: generate %s: %w", t, err)
		}
		return NewSigningPrivateKey(t, raw)
	}
	return SigningPrivateKey{}, fmt.Errorf("keys: generate %s: %w", t, ErrUnsupported)
}

// NewSigningPrivateKey takes a key as it is stored: the seed of type 7, the scalar of type 11 (little-endian) and of
// types 1 to 3 (big-endian). raw is copied.
func NewSigningPrivateKey(t SigType, raw []byte) (SigningPrivateKey, error) {
	if t.Known() && len(raw) != t.PrivateKeyLen() {
		return SigningPrivateKey{}, fmt.Errorf("keys: %s private key of %d bytes: %w", t, len(raw), ErrLength)
	}
	s := &signer{public: SigningPublicKey{Type: t}, raw: append([]byte(nil), raw...)}
	switch t {
	case SigEd25519:
		s.ed = ed25519.NewKeyFromSeed(raw)
		s.public.Key = s.ed.Public().(ed25519.PublicKey)
	case SigRed25519:
		p := reddsa.Public([32]byte(raw))
		s.public.Key = p[:]
	case SigECDSAP256, SigECDSAP384, SigECDSAP521:
		curve, _ := ecdsaParts(t, nil)
		k, err := ecdsa.ParseRawPrivateKey(curve, raw)
		if err != nil {
			return SigningPrivateKey{}, fmt.Errorf("keys: %s private key: %w", t, err)
		}
		point, err := k.PublicKey.Bytes()
		if err != nil {
			return SigningPrivateKey{}, fmt.Errorf("keys: %s private key: %w", t, err)
		}
		s.ec, s.public.Key = k, point[1:]
	default:
		return SigningPrivateKey{}, fmt.Errorf("keys: %s private key: %w", t, ErrUnsupported)
	}
	return SigningPrivateKey{hide(s)}, nil
}

// IsZero reports whether k holds no key.
func (k SigningPrivateKey) IsZero() bool { return k.s == nil }

// Type is the signature type.
func (k SigningPrivateKey) Type() SigType { return k.s.get().public.Type }

// Public returns the public key; its bytes are shared and not to be modified.
func (k SigningPrivateKey) Public() SigningPublicKey { return k.s.get().public }

// Bytes returns a copy of the private key, for storage only.
func (k SigningPrivateKey) Bytes() []byte { return append([]byte(nil), k.s.get().raw...) }

// Sign returns the signature of msg, Type().SignatureLen() bytes.
func (k SigningPrivateKey) Sign(msg []byte) []byte { return k.s.get().sign(msg) }

func (s *signer) sign(msg []byte) []byte {
	switch s.public.Type {
	case SigEd25519:
		return ed25519.Sign(s.ed, msg)
	case SigRed25519:
		return reddsa.Sign([32]byte(s.raw), msg)
	}
	_, digest := ecdsaParts(s.public.Type, msg)
	r, t, err := ecdsa.Sign(rand.Reader, s.ec, digest)
	if err != nil {
		panic("keys: ECDSA with a checked key: " + err.Error())
	}
	sig := make([]byte, s.public.Type.SignatureLen())
	r.FillBytes(sig[:len(sig)/2])
	t.FillBytes(sig[len(sig)/2:])
	return sig
}

// Format prints the type only, whatever the verb.
func (k SigningPrivateKey) Format(f fmt.State, _ rune) {
	if k.s == nil {
		f.Write([]byte("SigningPrivateKey(none)"))
		return
	}
	fmt.Fprintf(f, "SigningPrivateKey(%s, secret)", k.Type())
}
