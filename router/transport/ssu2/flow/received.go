package flow

import (
	"math/bits"

	"clove.i2p/router/transport/ssu2/wire"
)

// received remembers the packet numbers that arrived, in a window of receiveWindow below the highest: each is taken once, and what is older is
// dropped as a possible replay ("Replay Prevention"). Ack blocks are made from it.
type received struct {
	bitmap  [receiveWindow / 64]uint64
	any     bool
	highest uint32
	floor   uint32 // the peer knows that we got what we got below
	count   uint64
}

// add reports whether number is new.
func (r *received) add(number uint32) bool {
	switch {
	case !r.any:
		r.any, r.highest = true, number
	case number > r.highest:
		if number-r.highest >= receiveWindow {
			clear(r.bitmap[:])
		} else {
			r.clear(r.highest+1, number)
		}
		r.highest = number
	case r.highest-number >= receiveWindow || r.has(number):
		return false
	}
	r.bitmap[number/64%(receiveWindow/64)] |= 1 << (number % 64)
	r.floor = min(r.floor, number) // late, but to be acked once
	r.count++
	return true
}

// clear takes the old numbers out that first to last are to replace, fewer than the window.
func (r *received) clear(first, last uint32) {
	for n := uint64(first); n <= uint64(last); {
		word, bit := &r.bitmap[n/64%(receiveWindow/64)], n%64
		if bit == 0 && n+63 <= uint64(last) {
			*word = 0
			n += 64
			continue
		}
		*word &^= 1 << bit
		n++
	}
}

// has reports on a number in the window.
func (r *received) has(number uint32) bool {
	return r.bitmap[number/64%(receiveWindow/64)]>>(number%64)&1 != 0
}

// forget stops to ack what is below through, as the peer acked an ack of it. The packets stay in the window.
func (r *received) forget(through uint32) { r.floor = max(r.floor, through) }

// run counts the numbers from n downwards to least that have arrived, or have not, at most limit.
func (r *received) run(n, least uint32, arrived bool, limit int) int {
	count := 0
	for count < limit {
		bit := n % 64
		word := r.bitmap[n/64%(receiveWindow/64)]
		if arrived {
			word = ^word
		}
		k := min(bits.LeadingZeros64(word<<(63-bit)), int(bit)+1) // n and below that are alike
		if left := int(n-least) + 1; k >= left {
			return min(count+left, limit)
		}
		count += k
		if k <= int(bit) {
			break
		}
		n -= uint32(k)
	}
	return min(count, limit)
}

// appendAck appends an Ack block of at most room bytes, which is at least wire.AckLen; ranges is scratch.
func (r *received) appendAck(dst []byte, room int, ranges []wire.AckRange) []byte {
	least := r.floor
	if r.highest >= ackDepth {
		least = max(least, r.highest-ackDepth+1)
	}
	least = min(least, r.highest)
	acks := r.run(r.highest, least, true, 256) - 1
	n := int64(r.highest) - int64(acks) - 1
	most := min(len(ranges), (room-wire.AckLen)/wire.AckRangeLen)
	count := 0
	for n >= int64(least) && count < most {
		nacks := r.run(uint32(n), least, false, 255)
		if n -= int64(nacks); n < int64(least) {
			break // not received down to the end: says nothing
		}
		got := r.run(uint32(n), least, true, 255)
		n -= int64(got)
		ranges[count] = wire.AckRange{Nacks: byte(nacks), Acks: byte(got)}
		count++
	}
	return wire.AppendAck(dst, r.highest, byte(acks), ranges[:count])
}
