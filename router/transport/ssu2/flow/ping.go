package flow

import (
	"bytes"
	"encoding/binary"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
)

// Ping has a packet sent that the peer answers.
func (f *Flow) Ping(now time.Time) {
	f.tick(now)
	f.pinging = !f.closed && !f.ended
}

// pingLen is the length of the data of our PathChallenges.
const pingLen = 8

// pingData is the data of the PathChallenge in packet n: its number, and what only we know. i2pd 2.45 answers a packet that has
// nothing else but does not ack it, so that the answer is the ack.
func (f *Flow) pingData(n uint32) (data [pingLen]byte) {
	binary.BigEndian.PutUint32(data[:], n)
	binary.BigEndian.PutUint32(data[4:], uint32(mix(f.pingKey^uint64(n))))
	return data
}

// writePing writes a PathChallenge, the specification's ping.
func (f *Flow) writePing(w *writer) {
	if w.room() < wire.BlockHeaderLen+pingLen {
		w.p, w.acks = w.p[:0], false
	}
	w.eliciting = true
	data := f.pingData(f.sent.next)
	w.p = wire.AppendPathChallenge(w.p, data[:])
	f.pinging = false
}

// ponged takes the data of a PathResponse, and reports whether it answers a ping.
func (f *Flow) ponged(t instant, data []byte) bool {
	if len(data) != pingLen {
		return false
	}
	n := binary.BigEndian.Uint32(data)
	if want := f.pingData(n); !bytes.Equal(data, want[:]) {
		return false
	}
	if err := f.onAck(t, append(data[:4:4], 0)); err == nil { // of that packet alone
		f.pace(t)
	}
	return true
}
