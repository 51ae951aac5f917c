package netdb

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"clove.i2p/router/i2p"
)

// routingKey is where an entry lives today: SHA-256 of its key and the UTC date as yyyyMMdd. It changes at midnight, so
// that a place near a key cannot be prepared for long (network-database.md, Kademlia Closeness Metric). The hashes
// of floodfills are compared as they are.
func routingKey(key i2p.Hash, at time.Time) i2p.Hash {
	b := make([]byte, 0, len(key)+8)
	b = append(b, key[:]...)
	b = at.UTC().AppendFormat(b, "20060102")
	return sha256.Sum256(b)
}

// compareDistance orders a and b by XOR distance to key, the closer first.
func compareDistance(key, a, b i2p.Hash) int {
	for i := 0; i < len(key); i += 8 {
		k := binary.BigEndian.Uint64(key[i:])
		x, y := k^binary.BigEndian.Uint64(a[i:]), k^binary.BigEndian.Uint64(b[i:])
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return 0
}

// closestTo keeps the n routers that are closest to key, in order of distance.
type closestTo struct {
	key  i2p.Hash
	n    int
	list []*i2p.RouterInfo
}

func (c *closestTo) add(ri *i2p.RouterInfo) {
	h := ri.Hash()
	i := len(c.list)
	for i > 0 && compareDistance(c.key, h, c.list[i-1].Hash()) < 0 {
		i--
	}
	if i >= c.n {
		return
	}
	if len(c.list) < c.n {
		c.list = append(c.list, nil)
	}
	copy(c.list[i+1:], c.list[i:])
	c.list[i] = ri
}

// untilMidnight is the time left in the day of the routing keys.
func untilMidnight(now time.Time) time.Duration {
	now = now.UTC()
	return now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}
