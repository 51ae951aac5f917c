package streaming

import (
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// verify checks the signature of the packet that was parsed from b. The signature covers all of b with its own bytes
// set to zero (specification, SIGNATURE_INCLUDED); b is the same afterwards.
//
// from is the sender as known; transient the key that an earlier packet of the stream put in the place of the
// destination's, nil if none. It returns the key to use for later packets.
func (p *Packet) verify(b []byte, from *i2p.Destination, transient *keys.SigningPublicKey, now time.Time) (*keys.SigningPublicKey, error) {
	tail, at := p.Tail, p.tailAt
	if p.Flags&FlagOfflineSignature != 0 {
		o, rest, err := i2p.ParseOfflineSignature(tail, from.SigningKey().Type)
		if err != nil {
			return nil, fmt.Errorf("streaming: %w", err)
		}
		if now.After(o.Expires) || !o.Verify(from) {
			return nil, fmt.Errorf("streaming: offline key: %w", ErrBadSignature)
		}
		transient = &o.Transient
		at += len(tail) - len(rest)
		tail = rest
	}
	if p.Flags&FlagSignatureIncluded == 0 {
		return nil, fmt.Errorf("streaming: no signature: %w", ErrBadSignature)
	}
	key := from.SigningKey()
	if transient != nil {
		key = *transient
	}
	n := key.Type.SignatureLen()
	if n == 0 || len(tail) < n {
		return nil, fmt.Errorf("streaming: signature: %w", ErrTruncated)
	}
	sig := append(make([]byte, 0, 64), tail[:n]...)
	clear(b[at : at+n])
	ok := key.Verify(b, sig)
	copy(b[at:], sig)
	if !ok {
		return nil, fmt.Errorf("streaming: %w", ErrBadSignature)
	}
	return transient, nil
}

// sign fills in the signature, whose zero bytes are at the given place in b.
func (s *Stack) sign(b []byte, at int) { copy(b[at:], s.keys.Signing.Sign(b)) }

// signatureLen is the length of our own signatures.
func (s *Stack) signatureLen() int { return s.keys.Signing.Type().SignatureLen() }
