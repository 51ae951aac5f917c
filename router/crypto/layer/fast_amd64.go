//go:build !purego

package layer

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"
)

// fast reports whether the assembly of fast_amd64.s runs here. Without it the standard library does the work.
var fast = cpu.X86.HasAES && cpu.X86.HasAVX

// lanes is how many messages encryptLanes takes.
const lanes = 4

const (
	rounds      = 14
	scheduleLen = (rounds + 1) * 16
	groupLen    = 8 * 16 // what decryptBlocks takes at once
)

// A schedule is the 15 round keys of AES-256.
type schedule [scheduleLen]byte

// fastCipher is the cipher with AES instructions.
type fastCipher struct{ enc, dec *direction }

// A direction has the schedules for data and for the IV, to encrypt or to decrypt.
type direction struct{ data, iv schedule }

func (f *fastCipher) encrypting(c *Cipher) *direction {
	if f.enc == nil {
		f.enc = &direction{expand(&c.layerKey), expand(&c.ivKey)}
	}
	return f.enc
}

func (f *fastCipher) encrypt(c *Cipher, msg []byte) {
	d := f.encrypting(c)
	encryptBlock(&d.iv, &msg[0])
	encryptChain(&d.data, &msg[0], len(msg)/16-1)
	encryptBlock(&d.iv, &msg[0])
}

func (f *fastCipher) decrypt(c *Cipher, msg []byte) {
	if f.dec == nil {
		data, iv := expand(&c.layerKey), expand(&c.ivKey)
		f.dec = &direction{data.inverse(), iv.inverse()}
	}
	d := f.dec
	decryptBlock(&d.iv, &msg[0])
	vector := [16]byte(msg) // decryptGroups leaves the last block of ciphertext in it
	data := msg[IVLen:]
	if n := len(data) / groupLen; n > 0 {
		decryptGroups(&d.data, &data[0], &vector, n)
		data = data[n*groupLen:]
	}
	if len(data) > 0 {
		var group [groupLen]byte
		copy(group[:], data)
		decryptGroups(&d.data, &group[0], &vector, 1)
		copy(data, group[:])
	}
	decryptBlock(&d.iv, &msg[0])
}

// encryptLanes encrypts four messages at once. It does nothing and reports false if their lengths differ.
func encryptLanes(jobs *[lanes]Job) bool {
	n := len(jobs[0].Msg)
	checkLen(jobs[0].Msg)
	var d [lanes]*direction
	for i := range jobs {
		if len(jobs[i].Msg) != n {
			return false
		}
		d[i] = jobs[i].Cipher.fast.encrypting(jobs[i].Cipher)
	}
	for i := range jobs {
		encryptBlock(&d[i].iv, &jobs[i].Msg[0])
	}
	encryptChains(&d[0].data, &d[1].data, &d[2].data, &d[3].data,
		&jobs[0].Msg[0], &jobs[1].Msg[0], &jobs[2].Msg[0], &jobs[3].Msg[0], n/16-1)
	for i := range jobs {
		encryptBlock(&d[i].iv, &jobs[i].Msg[0])
	}
	return true
}

// expand is the key expansion of FIPS 197, section 5.2, for 256 bits.
func expand(key *[keyLen]byte) (s schedule) {
	copy(s[:], key[:])
	constant := uint32(1) << 24
	for at := keyLen; at < scheduleLen; at += 4 {
		t := binary.BigEndian.Uint32(s[at-4:])
		switch at % keyLen {
		case 0:
			t = substitute(t<<8|t>>24) ^ constant
			constant <<= 1
		case keyLen / 2:
			t = substitute(t)
		}
		binary.BigEndian.PutUint32(s[at:], t^binary.BigEndian.Uint32(s[at-keyLen:]))
	}
	return s
}

// inverse is the schedule of the equivalent inverse cipher (FIPS 197, section 5.3.5).
func (s *schedule) inverse() (d schedule) {
	copy(d[:16], s[rounds*16:])
	copy(d[rounds*16:], s[:16])
	for r := 1; r < rounds; r++ {
		invertColumns((*[16]byte)(d[r*16:]), (*[16]byte)(s[(rounds-r)*16:]))
	}
	return d
}

// substitute applies the S-box to the four bytes, without a table.
//
//go:noescape
func substitute(w uint32) uint32

// invertColumns sets dst = InvMixColumns(src).
//
//go:noescape
func invertColumns(dst, src *[16]byte)

// encryptBlock encrypts 16 bytes in place.
//
//go:noescape
func encryptBlock(s *schedule, p *byte)

// decryptBlock decrypts 16 bytes in place, with an inverse schedule.
//
//go:noescape
func decryptBlock(s *schedule, p *byte)

// encryptChain encrypts n blocks that follow the vector at p, in CBC and in place. n may be 0.
//
//go:noescape
func encryptChain(s *schedule, p *byte, n int)

// encryptChains is encryptChain for four messages of the same length.
//
//go:noescape
func encryptChains(s0, s1, s2, s3 *schedule, p0, p1, p2, p3 *byte, n int)

// decryptGroups decrypts n groups of 8 blocks at p, in CBC and in place, with an inverse schedule. n is at least 1. The
// vector becomes the last block of ciphertext.
//
//go:noescape
func decryptGroups(s *schedule, p *byte, vector *[16]byte, n int)
