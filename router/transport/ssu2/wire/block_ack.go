package wire

import (
	"encoding/binary"
	"fmt"
)

// An AckRange is a run of packets not received and, below it, a run received.
type AckRange struct{ Nacks, Acks byte }

// AckLen is the size of an Ack block without ranges, of which each takes 2 bytes more.
const (
	AckLen      = BlockHeaderLen + ackLen
	AckRangeLen = 2
	ackLen      = 5
)

// AppendAck appends an Ack block, 8 bytes and 2 for each range ("Ack"): through is the highest number received, acks how many
// right below it were received as well, then ranges downwards.
func AppendAck(dst []byte, through uint32, acks byte, ranges []AckRange) []byte {
	dst = AppendBlockHeader(dst, BlockAck, ackLen+AckRangeLen*len(ranges))
	dst = append(binary.BigEndian.AppendUint32(dst, through), acks)
	for _, r := range ranges {
		dst = append(dst, r.Nacks, r.Acks)
	}
	return dst
}

// An Ack goes through what an Ack block acknowledges, from the highest packet downwards.
type Ack struct {
	Through uint32
	next    int64 // lowest number dealt with, less one; below zero at the end
	acks    byte  // of the first run
	started bool
	ranges  []byte
}

// ParseAck reads the body of an Ack block; it does not allocate.
//
// i2pd may say more than there is: runs that go below packet 0 end there, and a range of 0 and 0, which the specification
// forbids, acknowledges nothing. Neither is worth a session.
func ParseAck(body []byte) (Ack, error) {
	if len(body) < ackLen || (len(body)-ackLen)%AckRangeLen != 0 {
		return Ack{}, fmt.Errorf("%w: Ack of %d bytes", ErrMalformed, len(body))
	}
	return Ack{Through: binary.BigEndian.Uint32(body), acks: body[4], ranges: body[ackLen:]}, nil
}

// Next returns the next run of acknowledged packets, first <= last.
func (a *Ack) Next() (first, last uint32, ok bool) {
	if !a.started {
		a.started = true
		return a.run(int64(a.Through), int64(a.acks)+1)
	}
	for len(a.ranges) >= AckRangeLen && a.next >= 0 {
		nacks, acks := int64(a.ranges[0]), int64(a.ranges[1])
		a.ranges = a.ranges[AckRangeLen:]
		a.next -= nacks
		if acks > 0 && a.next >= 0 {
			return a.run(a.next, acks)
		}
	}
	return 0, 0, false
}

// run returns n packets from last downwards.
func (a *Ack) run(last, n int64) (uint32, uint32, bool) {
	first := max(last-n+1, 0)
	a.next = first - 1
	return uint32(first), uint32(last), true
}
