package i2p

import (
	"fmt"

	"clove.i2p/router/crypto/keys"
)

// RouterKeys are a router's identity and its private keys.
//
//	RouterIdentity | X25519 private key 32 | signing private key
//
// It is the form of the router.keys file of i2pd.
type RouterKeys struct {
	Identity   *RouterIdentity
	Encryption keys.X25519Private
	Signing    keys.SigningPrivateKey
}

// NewRouterKeys makes the keys of a new router: X25519 and Ed25519.
func NewRouterKeys() (*RouterKeys, error) {
	enc, err := keys.GenerateX25519()
	if err != nil {
		return nil, fmt.Errorf("i2p: router keys: %w", err)
	}
	sig, err := keys.GenerateSigning(keys.SigEd25519)
	if err != nil {
		return nil, fmt.Errorf("i2p: router keys: %w", err)
	}
	pub := enc.Public()
	k, err := makeKeysAndCert(sig.Public(), keys.EncX25519, pub[:])
	if err != nil {
		return nil, fmt.Errorf("i2p: router keys: %w", err)
	}
	return &RouterKeys{Identity: &RouterIdentity{k}, Encryption: enc, Signing: sig}, nil
}

// ParseRouterKeys reads what Append writes. Private keys that do not belong to the identity are ErrMalformed.
func ParseRouterKeys(b []byte) (k *RouterKeys, rest []byte, err error) {
	id, rest, err := ParseRouterIdentity(b)
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: router keys: %w", err)
	}
	static, ok := id.Static()
	if !ok {
		return nil, nil, fmt.Errorf("i2p: router keys: %w: encryption type %d", ErrUnsupportedKey, id.encType)
	}
	if len(rest) < 32 {
		return nil, nil, fmt.Errorf("i2p: router keys: %w", ErrTruncated)
	}
	enc := keys.NewX25519([32]byte(rest[:32]))
	if enc.Public() != static {
		return nil, nil, fmt.Errorf("i2p: router keys: %w: encryption key of another router", ErrMalformed)
	}
	sig, rest, err := parseSigningPrivate(id.signing, rest[32:])
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: router keys: %w", err)
	}
	return &RouterKeys{Identity: id, Encryption: enc, Signing: sig}, rest, nil
}

// Append appends the file form, which is secret.
func (k *RouterKeys) Append(b []byte) []byte {
	enc := k.Encryption.Bytes()
	b = append(append(b, k.Identity.Bytes()...), enc[:]...)
	return append(b, k.Signing.Bytes()...)
}

// String does not print the keys.
func (k *RouterKeys) String() string { return "keys of " + k.Identity.String() }

// parseSigningPrivate reads the private key that belongs to pub.
func parseSigningPrivate(pub keys.SigningPublicKey, b []byte) (k keys.SigningPrivateKey, rest []byte, err error) {
	n := pub.Type.PrivateKeyLen()
	if len(b) < n {
		return k, nil, ErrTruncated
	}
	if isZero(b[:n]) {
		return k, nil, fmt.Errorf("%w: offline signing keys", ErrUnsupportedKey)
	}
	if k, err = keys.NewSigningPrivateKey(pub.Type, b[:n]); err != nil {
		return k, nil, err
	}
	if got := k.Public(); string(got.Key) != string(pub.Key) {
		return k, nil, fmt.Errorf("%w: the signing key belongs to another identity", ErrMalformed)
	}
	return k, b[n:], nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
