//go:build linux

package natlab

import (
	"math/rand/v2"
	"time"
)

// An Impairment is what happens to the packets of one direction. Its zero value does nothing. Probabilities are 0 to 1.
type Impairment struct {
	Loss      float64
	Duplicate float64
	Corrupt   float64 // a bit of the payload of UDP changes, and the checksum with it, so that it arrives
	Delay     time.Duration
	Jitter    time.Duration // up to so much more delay, evenly; packets overtake each other
	Reorder   float64       // the packet is held for ReorderBy more
	ReorderBy time.Duration
	MaxSize   int // of an IP packet in bytes: larger ones vanish without a word; 0 is any
	Rate      int // bytes per second, counted as IP packets; 0 is any
	Queue     int // bytes that wait for their turn at Rate; more are dropped; 0 is defaultQueue
}

// defaultQueue is that of a home router that does not know better: a second at 2 Mbit/s.
const defaultQueue = 256 << 10

// A fate is what befalls one packet.
type fate struct {
	copies  int // 0: lost
	corrupt int // bit of the payload, as a number without a bound; negative: none
	extra   time.Duration
}

// fates tells them. The numbers drawn for packet i depend on the seed and on i only, not on what is set.
type fates struct{ rand *rand.Rand }

func newFates(seed, direction uint64) fates { return fates{rand.New(rand.NewPCG(seed, direction))} }

func (f fates) next(im *Impairment) fate {
	loss, duplicate, corrupt := f.rand.Float64(), f.rand.Float64(), f.rand.Float64()
	bit, jitter, reorder := f.rand.Uint32(), f.rand.Float64(), f.rand.Float64()
	p := fate{copies: 1, corrupt: -1, extra: im.Delay + time.Duration(jitter*float64(im.Jitter))}
	if loss < im.Loss {
		return fate{corrupt: -1}
	}
	if duplicate < im.Duplicate {
		p.copies = 2
	}
	if corrupt < im.Corrupt {
		p.corrupt = int(bit >> 1)
	}
	if reorder < im.Reorder {
		p.extra += im.ReorderBy
	}
	return p
}

// corruptUDP changes one bit of the payload of UDP, or nothing where there is none.
func corruptUDP(packet []byte, bit int) bool {
	udp, ok := udpOf(packet)
	if !ok || len(udp) <= 8 {
		return false
	}
	at := 8 + bit/8%(len(udp)-8)
	mask := byte(1) << (bit % 8)
	udp[at] ^= mask
	sum := udp[6:8]
	if sum[0] == 0 && sum[1] == 0 {
		return true // of IPv4: none
	}
	// RFC 1624: the new checksum is ~(~old + ~word + newWord). The word starts at an even place.
	word := uint32(mask)
	value := uint32(udp[at])
	if at%2 == 0 {
		word, value = word<<8, value<<8
	}
	before := value ^ word
	// The rest of the word is the same before and after, and falls out.
	total := uint32(^(uint16(sum[0])<<8 | uint16(sum[1]))) + uint32(^uint16(before)) + value
	total = total&0xffff + total>>16
	total = total&0xffff + total>>16
	result := ^uint16(total)
	if result == 0 {
		result = 0xffff
	}
	sum[0], sum[1] = byte(result>>8), byte(result)
	return true
}

// udpOf is the UDP datagram of an IP packet that has no extension headers and is not a fragment.
func udpOf(packet []byte) ([]byte, bool) {
	const udp = 17
	if len(packet) < 20 {
		return nil, false
	}
	switch packet[0] >> 4 {
	case 4:
		header := int(packet[0]&15) * 4
		fragment := (int(packet[6])<<8 | int(packet[7])) & 0x3fff // more fragments, or not the first
		if packet[9] == udp && fragment == 0 && header >= 20 && len(packet) >= header+8 {
			return packet[header:], true
		}
	case 6:
		if packet[6] == udp && len(packet) >= 48 {
			return packet[40:], true
		}
	}
	return nil, false
}
