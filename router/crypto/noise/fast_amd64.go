//go:build !purego

package noise

import "encoding/binary"

// fast reports whether the assembly of fast_amd64.s runs here. Without it the standard library does the work, which has the
// same instructions, but not the state between two blocks: it hashes the padded key of an HMAC anew for each output.
var fast = supported()

type (
	// A state is the eight words of SHA-256 between two blocks.
	state [8]uint32
	block [blockLen]byte
)

// initial is H(0) of FIPS 180-4, section 5.3.3.
var initial = state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// oneBlock is the longest input that fits a block with its padding: a bit and the length.
const oneBlock = blockLen - 1 - 8

// A mac is HMAC with one key: the states behind its padded forms. Inputs take one block.
type mac struct{ inner, outer state }

// setKey takes a key of at most one block.
func (m *mac) setKey(key []byte) {
	var b block
	copy(b[:], key)
	for i := 0; i < blockLen; i += 8 {
		w := b[i : i+8]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)^0x3636363636363636)
	}
	compress(&m.inner, &initial, &b)
	for i := 0; i < blockLen; i += 8 {
		w := b[i : i+8]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)^(0x3636363636363636^0x5c5c5c5c5c5c5c5c))
	}
	compress(&m.outer, &initial, &b)
}

// sum sets out to the HMAC of the n bytes at the start of b, with zeros behind. It overwrites b.
func (m *mac) sum(out *[32]byte, b *block, n int) {
	var s state
	b.pad(n)
	compress(&s, &m.inner, b)
	*b = block{}
	s.put((*[32]byte)(b[:]))
	b.pad(32)
	compress(&s, &m.outer, b)
	s.put(out)
}

// pad ends a message of n bytes in this block, with one block in front of it.
func (b *block) pad(n int) {
	b[n] = 0x80
	binary.BigEndian.PutUint64(b[blockLen-8:], uint64(blockLen+n)*8)
}

func (s *state) put(out *[32]byte) {
	for i, w := range s {
		binary.BigEndian.PutUint32(out[4*i:], w)
	}
}

// fastHKDF is HKDF for inputs that take a block each, as those of the ratchet do; false if it did nothing.
func fastHKDF(salt, ikm []byte, info string, out []*[32]byte) bool {
	if !fast || len(salt) > blockLen || len(ikm) > oneBlock || 32+len(info)+1 > oneBlock {
		return false
	}
	var m mac
	var t [32]byte
	var b block
	m.setKey(salt)
	m.sum(&t, &b, copy(b[:], ikm))
	m.setKey(t[:])
	for i, o := range out {
		b = block{}
		n := 0
		if i > 0 {
			n = copy(b[:], t[:])
		}
		n += copy(b[n:], info)
		b[n] = byte(i + 1)
		m.sum(&t, &b, n+1)
		*o = t
	}
	return true
}

// supported reports whether the processor has the SHA instructions.
func supported() bool

// compress sets to = the state after a block, from the one in front of it. They may be the same.
//
//go:noescape
func compress(to, from *state, b *block)
