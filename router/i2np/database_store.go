package i2np

import (
	"encoding/binary"
	"fmt"

	"clove.i2p/router/i2p"
)

// StoreType is what a DatabaseStore carries: bits 3-0 of its type byte.
type StoreType uint8

// The kinds of entries of the network database.
const (
	StoreRouterInfo        StoreType = 0
	StoreLeaseSet          StoreType = 1
	StoreLeaseSet2         StoreType = 3
	StoreEncryptedLeaseSet StoreType = 5
	StoreMetaLeaseSet      StoreType = 7
)

// Known reports whether the type is one of the five.
func (t StoreType) Known() bool { return t == StoreRouterInfo || t <= StoreMetaLeaseSet && t&1 == 1 }

// DatabaseStore announces an entry of the network database, or answers a DatabaseLookup (i2np.md,
// "DatabaseStore"):
//
//	key 32 | type 1 | reply token 4 | [reply tunnel 4 | reply gateway 32] | data
//
// The bracket is there if the reply token is not 0. The data of a RouterInfo is a 2-byte length and that many
// bytes of gzip; of the others the plain LeaseSet.
type DatabaseStore struct {
	// Key is the SHA-256 of the identity or destination, not the routing key.
	Key       i2p.Hash
	StoreType StoreType
	// ReplyToken is the message id of the DeliveryStatus that the sender wants, 0: none. It is to be ignored if
	// the message came down a tunnel.
	ReplyToken MessageID
	// ReplyTunnel is the tunnel at ReplyGateway for the DeliveryStatus, 0: ReplyGateway itself is to get it.
	ReplyTunnel  i2p.TunnelID
	ReplyGateway i2p.Hash
	// Data is the entry, for a RouterInfo inflated (at most MaxRouterInfo bytes) and a copy, else lent.
	Data []byte
}

// Type is TypeDatabaseStore.
func (DatabaseStore) Type() Type { return TypeDatabaseStore }

// ParseDatabaseStore parses a payload. The entry itself is neither parsed nor verified.
func ParseDatabaseStore(payload []byte) (DatabaseStore, error) {
	var m DatabaseStore
	r := reader{b: payload}
	m.Key = r.hash()
	m.StoreType = StoreType(r.uint8() & 0x0f) // bits 7-4 are ignored
	if m.ReplyToken = MessageID(r.uint32()); m.ReplyToken != 0 {
		m.ReplyTunnel = i2p.TunnelID(r.uint32())
		m.ReplyGateway = r.hash()
	}
	if r.err == nil && !m.StoreType.Known() {
		r.err = fmt.Errorf("unknown store type %d", m.StoreType)
	}
	if m.StoreType != StoreRouterInfo {
		if len(r.b) > MaxLeaseSet {
			r.err = fmt.Errorf("lease set of %d bytes", len(r.b))
		}
		m.Data = r.bytes(len(r.b))
	} else if zipped := r.bytes(int(r.uint16())); r.err == nil {
		m.Data, r.err = InflateRouterInfo(zipped)
	}
	if err := r.end(TypeDatabaseStore); err != nil {
		return DatabaseStore{}, err
	}
	return m, nil
}

// Append appends the payload; a RouterInfo is compressed.
func (m DatabaseStore) Append(b []byte) []byte {
	b = append(b, m.Key[:]...)
	b = append(b, byte(m.StoreType))
	b = binary.BigEndian.AppendUint32(b, uint32(m.ReplyToken))
	if m.ReplyToken != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(m.ReplyTunnel))
		b = append(b, m.ReplyGateway[:]...)
	}
	if m.StoreType != StoreRouterInfo {
		return append(b, m.Data...)
	}
	at := len(b)
	b = DeflateRouterInfo(append(b, 0, 0), m.Data)
	binary.BigEndian.PutUint16(b[at:], uint16(len(b)-at-2))
	return b
}
