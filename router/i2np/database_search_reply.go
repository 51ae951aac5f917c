package i2np

import "clove.i2p/router/i2p"

// DatabaseSearchReply answers a DatabaseLookup that found nothing with routers to ask next (i2np.md,
// "DatabaseSearchReply"):
//
//	key 32 | number 1 | peers number*32 | from 32
type DatabaseSearchReply struct {
	// Key is the one of the lookup.
	Key i2p.Hash
	// Peers is at most 255 routers. A copy.
	Peers []i2p.Hash
	// From is who claims to answer. Nothing proves it.
	From i2p.Hash
}

// Type is TypeDatabaseSearchReply.
func (DatabaseSearchReply) Type() Type { return TypeDatabaseSearchReply }

// ParseDatabaseSearchReply parses a payload.
func ParseDatabaseSearchReply(payload []byte) (DatabaseSearchReply, error) {
	var m DatabaseSearchReply
	r := reader{b: payload}
	m.Key = r.hash()
	n := int(r.uint8())
	if list := r.bytes(n * 32); len(list) > 0 {
		m.Peers = make([]i2p.Hash, n)
		for i := range m.Peers {
			m.Peers[i] = i2p.Hash(list[i*32:])
		}
	}
	m.From = r.hash()
	if err := r.end(TypeDatabaseSearchReply); err != nil {
		return DatabaseSearchReply{}, err
	}
	return m, nil
}

// Append appends the payload. It panics if there are more than 255 peers.
func (m DatabaseSearchReply) Append(b []byte) []byte {
	if len(m.Peers) > 255 {
		panic("i2np: database search reply with more than 255 peers")
	}
	b = append(b, m.Key[:]...)
	b = append(b, byte(len(m.Peers)))
	for _, h := range m.Peers {
		b = append(b, h[:]...)
	}
	return append(b, m.From[:]...)
}
