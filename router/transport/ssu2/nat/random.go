package nat

import (
	"encoding/binary"
	"io"
)

// random returns a random number; at 0 it tries again.
func (e *Engine) random() uint32 {
	var b [4]byte
	for range 64 {
		if _, err := io.ReadFull(e.cfg.Rand, b[:]); err != nil {
			panic("nat: no randomness: " + err.Error())
		}
		if n := binary.BigEndian.Uint32(b[:]); n != 0 {
			return n
		}
	}
	panic("nat: randomness is all zeros")
}

// below returns a random number below n, evenly enough for a choice among peers.
func (e *Engine) below(n int) int { return int(uint64(e.random()) * uint64(n) >> 32) }

// newNonce returns a number that none of our own runs has.
func (e *Engine) newNonce() uint32 {
	for {
		n := e.random()
		_, relay := e.aliceRelays[n]
		if !relay && e.aliceTest(n) == nil {
			return n
		}
	}
}

// shuffled returns the numbers below n in random order.
func (e *Engine) shuffled(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := e.below(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}
