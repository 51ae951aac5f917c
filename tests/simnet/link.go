package simnet

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// A Link is what a station's packets go through on their way out. The zero value delivers at once.
type Link struct {
	Delay  time.Duration
	Jitter time.Duration // up to this much more, evenly distributed
	// Ordered keeps packets in order in spite of Jitter.
	Ordered bool
	// Rate in bytes per second, 0 for none. Queue is how many bytes may wait for it; what does not fit is dropped.
	Rate, Queue int
	// Shares of all packets, 0 to 1.
	Loss, Duplicate, Reorder float64
	// ReorderBy is the extra delay of those that Reorder chose.
	ReorderBy time.Duration
	// LossOnce is the share of packets of which the first copy is lost, however often they are sent again.
	LossOnce float64
	// Drop, if set, drops the packets for which it is true. It must not keep p.
	Drop func(p []byte) bool
}

// wire is the state of a link.
type wire struct {
	Link
	busy time.Time // until then the rate is used up
	last time.Time // arrival of the last packet
	seen map[packetName]bool
}

// packetName names a packet of a sequence whatever its acknowledgements.
type packetName struct {
	send, receive, sequence uint32
}

// drops reports whether the link loses the packet.
func (w *wire) drops(p []byte, rnd *rand.Rand) bool {
	if w.Drop != nil && w.Drop(p) {
		return true
	}
	if w.Loss > 0 && rnd.Float64() < w.Loss {
		return true
	}
	return w.LossOnce > 0 && w.dropsOnce(p, rnd)
}

func (w *wire) dropsOnce(p []byte, rnd *rand.Rand) bool {
	if len(p) < 16 {
		return false
	}
	n := packetName{binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])}
	if n.sequence == 0 && n.send != 0 {
		return rnd.Float64() < w.LossOnce // an acknowledgement: each is another
	}
	if w.seen[n] {
		return false
	}
	if w.seen == nil {
		w.seen = map[packetName]bool{}
	}
	w.seen[n] = true
	return rnd.Float64() < w.LossOnce
}

// arrival is when a packet of size bytes arrives; false if the queue is full.
func (w *wire) arrival(now time.Time, size int, rnd *rand.Rand) (time.Time, bool) {
	at := now
	if w.Rate > 0 {
		if w.busy.Before(now) {
			w.busy = now
		}
		if waiting := int(w.busy.Sub(now).Seconds() * float64(w.Rate)); w.Queue > 0 && waiting+size > w.Queue {
			return at, false
		}
		w.busy = w.busy.Add(time.Duration(float64(size) / float64(w.Rate) * float64(time.Second)))
		at = w.busy
	}
	at = at.Add(w.Delay)
	if w.Jitter > 0 {
		at = at.Add(time.Duration(rnd.Int64N(int64(w.Jitter))))
	}
	if w.Reorder > 0 && rnd.Float64() < w.Reorder {
		at = at.Add(w.ReorderBy)
	}
	if w.Ordered && at.Before(w.last) {
		at = w.last
	}
	w.last = at
	return at, true
}
