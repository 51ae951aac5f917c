package streaming

import (
	"encoding/binary"

	"clove.i2p/router/buf"
)

// receiveBuffer puts packets in order and keeps them until they are read.
//
//	read .......... next .......... high
//	     in order         with holes
//
// Each entry holds the payload of one packet.
type receiveBuffer struct {
	ring       []arrival // a power of two
	read, next uint32    // next to read; next in order
	high       uint32    // one beyond the highest that arrived, at least next
	held       int       // packets with payload
	ready      int       // of these, in order
	closeAt    uint32    // the sequence number of the CLOSE
	closed     bool      // closeAt is known
	discard    bool      // nobody will read
}

type arrival struct {
	data *buf.Buf // nil without payload
	here bool
}

// outcome of insert.
type outcome uint8

const (
	inOrder   outcome = iota // extends what can be read
	filled                   // the same, and there was a hole
	gap                      // opens a hole or widens the last one
	beyond                   // follows the highest, but there is a hole before
	within                   // in the middle of a hole
	duplicate                // was there
	tooFar
	afterClose
)

func (r *receiveBuffer) at(seq uint32) *arrival { return &r.ring[seq&uint32(len(r.ring)-1)] }

// hole reports whether packets are missing below the highest one.
func (r *receiveBuffer) hole() bool { return r.next != r.high }

// eof reports whether everything up to the CLOSE arrived.
func (r *receiveBuffer) eof() bool { return r.closed && r.next > r.closeAt }

// classify says what insert would do with seq.
func (r *receiveBuffer) classify(seq uint32) outcome {
	switch {
	case seq < r.next:
		return duplicate
	case r.closed && seq > r.closeAt:
		return afterClose
	case seq-r.next >= uint32(maxAhead+r.held), seq-r.read >= uint32(2*(maxAhead+r.held)):
		return tooFar // the second: packets without payload, and nobody reads what was before them
	case seq >= r.high:
		switch {
		case seq > r.high:
			return gap
		case r.hole():
			return beyond
		}
		return inOrder
	case r.at(seq).here:
		return duplicate
	case seq == r.next:
		return filled
	}
	return within
}

// insert takes the payload of seq, nil if it has none; ownership moves unless the outcome is duplicate, tooFar or
// afterClose.
func (r *receiveBuffer) insert(seq uint32, data *buf.Buf) outcome {
	o := r.classify(seq)
	if o >= duplicate {
		return o
	}
	if r.discard && data != nil {
		data.Release()
		data = nil
	}
	r.grow(seq)
	*r.at(seq) = arrival{data: data, here: true}
	if data != nil {
		r.held++
	}
	r.high = max(r.high, seq+1)
	for r.next != r.high && r.at(r.next).here {
		if r.at(r.next).data != nil {
			r.ready++
		}
		r.next++
	}
	if r.discard {
		r.skip()
	}
	return o
}

// grow makes room for seq. Entries between read and high are kept, those beyond are empty.
func (r *receiveBuffer) grow(seq uint32) {
	need := int(seq-r.read) + 1
	if need <= len(r.ring) {
		return
	}
	size := max(16, len(r.ring))
	for size < need {
		size *= 2
	}
	ring := make([]arrival, size)
	for s := r.read; s != r.high; s++ {
		ring[s&uint32(size-1)] = *r.at(s)
	}
	r.ring = ring
}

// close notes that seq is the CLOSE.
func (r *receiveBuffer) close(seq uint32) {
	if !r.closed {
		r.closed, r.closeAt = true, seq
	}
}

// readable reports whether take would return bytes.
func (r *receiveBuffer) readable() bool {
	r.skip()
	return r.read != r.next
}

// skip passes over packets without payload.
func (r *receiveBuffer) skip() {
	for r.read != r.next && r.at(r.read).data == nil {
		*r.at(r.read) = arrival{}
		r.read++
	}
}

// take copies bytes in order to p.
func (r *receiveBuffer) take(p []byte) (n int) {
	for n < len(p) && r.readable() {
		a := r.at(r.read)
		k := copy(p[n:], a.data.Bytes())
		n += k
		a.data.TrimFront(k)
		if a.data.Len() == 0 {
			r.release(a)
			*a = arrival{}
			r.ready--
			r.read++
		}
	}
	return n
}

func (r *receiveBuffer) release(a *arrival) {
	if a.data != nil {
		a.data.Release()
		a.data = nil
		r.held--
	}
}

// stopReading releases what nobody will read, now and later; packets behind a hole stay as marks.
func (r *receiveBuffer) stopReading() {
	r.discard = true
	for s := r.read; s != r.high; s++ {
		r.release(r.at(s))
	}
	r.ready = 0
	r.skip()
}

// dropHoles releases what is behind the first hole: it will never be complete.
func (r *receiveBuffer) dropHoles() {
	for s := r.next; s != r.high; s++ {
		r.release(r.at(s))
		*r.at(s) = arrival{}
	}
	r.high = r.next
}

// nacks appends the missing sequence numbers below ackThrough to b, at most maxNACKs. If there are more, ackThrough
// is lowered to before the first that does not fit.
func (r *receiveBuffer) nacks(b []byte) (_ []byte, ackThrough uint32) {
	ackThrough = r.high - 1
	n := 0
	for s := r.next; s != r.high; s++ {
		if r.at(s).here {
			continue
		}
		if n == maxNACKs {
			return b, s - 1
		}
		b = binary.BigEndian.AppendUint32(b, s)
		n++
	}
	return b, ackThrough
}
