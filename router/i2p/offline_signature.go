package i2p

import (
	"encoding/binary"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
)

// An OfflineSignature lets a transient key sign for a destination whose own key is kept elsewhere (Common Structures,
// OfflineSignature).
//
//	expires 4 | type of the transient key 2 | transient key | signature by the destination
type OfflineSignature struct {
	Expires   time.Time
	Transient keys.SigningPublicKey
	raw       []byte
	signature []byte
}

// ParseOfflineSignature reads an OfflineSignature made by a destination's key of type by.
func ParseOfflineSignature(b []byte, by keys.SigType) (o OfflineSignature, rest []byte, err error) {
	lent, rest, err := parseOfflineSignature(b, by)
	if err == nil {
		o, _, err = parseOfflineSignature(append([]byte(nil), lent.raw...), by)
	}
	if err != nil {
		return OfflineSignature{}, nil, fmt.Errorf("i2p: offline signature: %w", err)
	}
	return o, rest, nil
}

func parseOfflineSignature(b []byte, by keys.SigType) (o OfflineSignature, rest []byte, err error) {
	if !by.Known() {
		return o, nil, fmt.Errorf("%w: signature type %d", ErrUnsupportedKey, by)
	}
	if len(b) < SecondsLen+2 {
		return o, nil, ErrTruncated
	}
	if o.Expires, _, err = ParseSeconds(b); err != nil {
		return o, nil, err
	}
	t := keys.SigType(binary.BigEndian.Uint16(b[SecondsLen:]))
	if !t.Known() {
		return o, nil, fmt.Errorf("%w: transient signature type %d", ErrUnsupportedKey, t)
	}
	keyEnd := SecondsLen + 2 + t.PublicKeyLen()
	end := keyEnd + by.SignatureLen()
	if len(b) < end {
		return o, nil, ErrTruncated
	}
	o.Transient = keys.SigningPublicKey{Type: t, Key: b[SecondsLen+2 : keyEnd : keyEnd]}
	o.raw = b[:end:end]
	o.signature = o.raw[keyEnd:]
	return o, b[end:], nil
}

// Append appends the wire form.
func (o OfflineSignature) Append(b []byte) []byte { return append(b, o.raw...) }

// Verify reports whether d authorised the transient key. Whether it has expired is for the caller to judge.
func (o OfflineSignature) Verify(d *Destination) bool {
	return d.Verify(o.raw[:len(o.raw)-len(o.signature)], o.signature)
}
