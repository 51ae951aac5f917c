package i2p

import (
	"bytes"
	"fmt"

	"clove.i2p/router/crypto/keys"
)

// A RouterIdentity names a router: the key that peers encrypt to and the key that signs its RouterInfo.
type RouterIdentity struct{ keysAndCert }

// ParseRouterIdentity reads a RouterIdentity. Key types that no router may have (RedDSA, the hybrids of LeaseSets) are
// ErrUnsupportedKey.
func ParseRouterIdentity(b []byte) (id *RouterIdentity, rest []byte, err error) {
	k, rest, err := parseKeysAndCert(b)
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: router identity: %w", err)
	}
	if k, _, err = parseKeysAndCert(bytes.Clone(k.raw)); err != nil {
		return nil, nil, fmt.Errorf("i2p: router identity: %w", err)
	}
	if id, err = newRouterIdentity(k); err != nil {
		return nil, nil, fmt.Errorf("i2p: router identity: %w", err)
	}
	return id, rest, nil
}

func newRouterIdentity(k keysAndCert) (*RouterIdentity, error) {
	if k.signing.Type == keys.SigRed25519 {
		return nil, fmt.Errorf("%w: signature type %d in a router", ErrUnsupportedKey, k.signing.Type)
	}
	if k.encType != keys.EncElGamal && k.encType != keys.EncX25519 {
		return nil, fmt.Errorf("%w: encryption type %d in a router", ErrUnsupportedKey, k.encType)
	}
	return &RouterIdentity{k}, nil
}

// Static is the X25519 key of the router; false for an old router with an ElGamal key, which cannot be a hop.
func (id *RouterIdentity) Static() (keys.X25519Public, bool) {
	if id.encType != keys.EncX25519 {
		return keys.X25519Public{}, false
	}
	return keys.X25519Public(id.encryption), true
}
