package tunnel

import (
	"crypto/subtle"
	"hash/maphash"
)

// A filter remembers the messages of one tunnel, so that a replayed one goes no further (tunnel-implementation.md,
// "Participant Processing"). What it keeps of a message is the IV exclusive-or the first block, so that swapping the
// two is no way around it: 32 bits of its hash as fingerprint in one of two buckets that other bits choose. The hash is
// keyed: the previous hop chooses the bytes, and with buckets of its choice a few hundred messages would fill all
// layers. A message is taken for a duplicate by mistake less than once in 10 million, which no Bloom filter of this
// size can do.
//
// The zero value is ready and holds no memory; it grows with the traffic (limits.go) and goes with the tunnel.
// Beyond its bound it forgets the oldest quarter first.
type filter struct {
	layers []filterLayer // oldest first; messages are added to the last
}

var filterSeed = maphash.MakeSeed()

// A filterLayer is a power of two of buckets.
type filterLayer []bucket

// A bucket is half a cache line of fingerprints; 0 is a free place.
type bucket [8]uint32

// add remembers the message (IV and at least one block) and reports whether it was there already.
func (f *filter) add(msg []byte) bool {
	var key [ivLen]byte
	subtle.XORBytes(key[:], msg[:ivLen], msg[ivLen:2*ivLen])
	sum := maphash.Bytes(filterSeed, key[:])
	mark := max(uint32(sum), 1)
	one := uint32(sum >> 32)
	two := one ^ (mark*0x9e3779b1 | 1)
	for i := len(f.layers) - 1; i >= 0; i-- {
		l := f.layers[i]
		mask := uint32(len(l) - 1)
		if l[one&mask].has(mark) || l[two&mask].has(mark) {
			return true
		}
	}
	if n := len(f.layers); n > 0 && f.layers[n-1].put(mark, one, two) {
		return false
	}
	f.grow()
	f.layers[len(f.layers)-1].put(mark, one, two)
	return false
}

// has is written out so that the processor can fetch the buckets of all layers at once, far ahead of the comparisons.
func (b *bucket) has(mark uint32) bool {
	return b[0] == mark || b[1] == mark || b[2] == mark || b[3] == mark || b[4] == mark || b[5] == mark || b[6] == mark || b[7] == mark
}

// len is the number of places taken; they fill from the front.
func (b *bucket) len() int {
	for i, m := range b {
		if m == 0 {
			return i
		}
	}
	return len(b)
}

// put adds the fingerprint to the emptier of its buckets, which keeps them even up to some 80 %; false if both are
// full.
func (l filterLayer) put(mark, one, two uint32) bool {
	mask := uint32(len(l) - 1)
	a, b := &l[one&mask], &l[two&mask]
	n, m := a.len(), b.len()
	if m < n {
		a, n = b, m
	}
	if n == len(a) {
		return false
	}
	a[n] = mark
	return true
}

// grow adds a layer, and drops the oldest beyond maxLayers.
func (f *filter) grow() {
	size := firstLayer
	if n := len(f.layers); n > 0 {
		size = min(len(f.layers[n-1])*len(bucket{})*layerGrowth, largestLayer)
	}
	if len(f.layers) == maxLayers {
		copy(f.layers, f.layers[1:])
		f.layers = f.layers[:maxLayers-1]
	}
	f.layers = append(f.layers, make(filterLayer, size/len(bucket{})))
}

// bytes is the memory in use.
func (f *filter) bytes() int {
	n := 0
	for _, l := range f.layers {
		n += len(l) * 4 * len(bucket{})
	}
	return n
}
