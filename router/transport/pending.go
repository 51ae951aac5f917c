package transport

import "clove.i2p/router/buf"

// pendLocked lets messages wait for a dial, and returns how many fit. Those of others leave half of the memory.
func (m *Mux) pendLocked(d *dial, foreign bool, msgs []*buf.Buf) int {
	most := maxPendingBytes
	if foreign {
		most /= 2
	}
	for i, b := range msgs {
		size := b.Footprint()
		if len(d.pending) == m.cfg.MaxPendingMessages || m.pendingBytes+size > most {
			return i
		}
		d.pending = append(d.pending, b)
		d.bytes += size
		m.pendingBytes += size
	}
	return len(msgs)
}

// flush moves what waited for a dial to the session.
func (m *Mux) flush(d *dial, s Session) {
	if len(d.pending) == 0 {
		return
	}
	if n := s.Send(d.pending); n < len(d.pending) {
		m.c.dropSessionFull.Add(uint64(len(d.pending) - n))
	}
	d.pending = nil
}

func release(msgs []*buf.Buf) {
	for _, b := range msgs {
		b.Release()
	}
}
