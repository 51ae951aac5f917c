package i2np

import (
	"encoding/binary"
	"errors"
	"fmt"

	"clove.i2p/router/i2p"
)

// ErrReplyEncryption means that a DatabaseLookup asks for a reply in ElGamal/AES session tags or with a key from a
// Diffie-Hellman that was never specified. Routers that could ask so are gone from the network.
var ErrReplyEncryption = errors.New("unsupported reply encryption")

// LookupType is bits 3-2 of the flags of a DatabaseLookup.
type LookupType uint8

// What a DatabaseLookup looks for.
const (
	LookupAny         LookupType = 0
	LookupLeaseSet    LookupType = 1
	LookupRouterInfo  LookupType = 2
	LookupExploratory LookupType = 3
)

// Bits of the flags of a DatabaseLookup.
const (
	lookupToTunnel = 1 << 0
	lookupElGamal  = 1 << 1
	lookupECIES    = 1 << 4
)

// ReplyTag is the session tag of an encrypted reply, 8 bytes.
type ReplyTag [8]byte

// ReplyKey is the ChaCha20-Poly1305 key of an encrypted reply. It does not print.
type ReplyKey [32]byte

// String hides the key.
func (ReplyKey) String() string { return "key" }

// GoString hides the key.
func (ReplyKey) GoString() string { return "key" }

// DatabaseLookup asks a floodfill for an entry (i2np.md, "DatabaseLookup"):
//
//	key 32 | from 32 | flags 1 | [reply tunnel 4] | size 2 | excluded size*32 | [reply key 32 | tags 1 | tag 8 each]
//
// The reply tunnel is there if flag bit 0 is set, key and tags if flag bit 4 is.
type DatabaseLookup struct {
	// Key is the SHA-256 of the identity or destination, not the routing key.
	Key i2p.Hash
	// From is the router that gets the reply, or the gateway of ReplyTunnel.
	From       i2p.Hash
	LookupType LookupType
	// ReplyTunnel is 0 if the reply goes to From directly.
	ReplyTunnel i2p.TunnelID
	// Excluded is at most MaxExcluded routers that the answer may not name. A copy.
	Excluded []i2p.Hash
	// ReplyKey encrypts the reply if there is any of ReplyTags (at most MaxReplyTags; one is usual).
	ReplyKey  ReplyKey
	ReplyTags []ReplyTag
}

// Type is TypeDatabaseLookup.
func (DatabaseLookup) Type() Type { return TypeDatabaseLookup }

// ParseDatabaseLookup parses a payload. The error wraps ErrReplyEncryption for the reply modes of ElGamal routers.
func ParseDatabaseLookup(payload []byte) (DatabaseLookup, error) {
	var m DatabaseLookup
	r := reader{b: payload}
	m.Key, m.From = r.hash(), r.hash()
	flags := r.uint8() // bits 7-5 are ignored
	m.LookupType = LookupType(flags >> 2 & 3)
	if flags&lookupToTunnel != 0 {
		if m.ReplyTunnel = i2p.TunnelID(r.uint32()); m.ReplyTunnel == 0 && r.err == nil {
			r.err = errors.New("reply tunnel 0")
		}
	}
	n := int(r.uint16())
	if r.err == nil && n > MaxExcluded {
		r.err = fmt.Errorf("%d excluded routers", n)
	}
	if list := r.bytes(n * len(i2p.Hash{})); len(list) > 0 {
		m.Excluded = make([]i2p.Hash, n)
		for i := range m.Excluded {
			m.Excluded[i] = i2p.Hash(list[i*32:])
		}
	}
	if r.err == nil && flags&lookupElGamal != 0 {
		r.err = ErrReplyEncryption
	}
	if flags&lookupECIES != 0 {
		copy(m.ReplyKey[:], r.bytes(32))
		n := int(r.uint8())
		if r.err == nil && (n == 0 || n > MaxReplyTags) {
			r.err = fmt.Errorf("%d reply tags", n)
		}
		if list := r.bytes(n * 8); len(list) > 0 {
			m.ReplyTags = make([]ReplyTag, n)
			for i := range m.ReplyTags {
				m.ReplyTags[i] = ReplyTag(list[i*8:])
			}
		}
	}
	if err := r.end(TypeDatabaseLookup); err != nil {
		return DatabaseLookup{}, err
	}
	return m, nil
}

// Append appends the payload. It panics if there are too many excluded routers or tags.
func (m DatabaseLookup) Append(b []byte) []byte {
	if len(m.Excluded) > MaxExcluded || len(m.ReplyTags) > MaxReplyTags {
		panic("i2np: database lookup beyond its limits")
	}
	flags := byte(m.LookupType&3) << 2
	if m.ReplyTunnel != 0 {
		flags |= lookupToTunnel
	}
	if len(m.ReplyTags) > 0 {
		flags |= lookupECIES
	}
	b = append(b, m.Key[:]...)
	b = append(b, m.From[:]...)
	b = append(b, flags)
	if m.ReplyTunnel != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(m.ReplyTunnel))
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Excluded)))
	for _, h := range m.Excluded {
		b = append(b, h[:]...)
	}
	if len(m.ReplyTags) > 0 {
		b = append(b, m.ReplyKey[:]...)
		b = append(b, byte(len(m.ReplyTags)))
		for _, t := range m.ReplyTags {
			b = append(b, t[:]...)
		}
	}
	return b
}
