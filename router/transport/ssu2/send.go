package ssu2

import (
	"time"

	"clove.i2p/router/transport/ssu2/wire"
)

// act is the session's turn with the writer: SessionConfirmed while it is not acked, then a train of what the flow gives.
func (s *session) act(w *writer, now time.Time) (next time.Time, more bool) {
	s.mu.Lock()
	next, more = s.turn(w, now)
	ended := s.ended && !s.reported
	s.mu.Unlock()
	if ended {
		s.deliver()
	}
	return next, more
}

func (s *session) turn(w *writer, now time.Time) (next time.Time, more bool) {
	switch s.state {
	case stateLingering:
		return s.lingerTurn(w, now), false
	case stateGone:
		return next, false
	}
	if c := s.confirm; c != nil {
		switch {
		case !now.Before(c.until):
			s.fail(errTimeout)
			return next, false
		case !now.Before(c.next):
			for _, p := range c.packets {
				w.single(s.route(), p)
			}
			c.sent, c.next = now, now.Add(c.interval)
			c.interval = min(c.interval*3/2, maxResendInterval)
		}
		next = c.next
	}
	if err := s.flow.Failed(now); err != nil {
		return s.failed(w, now, err), false
	}
	if s.state == stateClosing && (s.flow.Idle() || !now.Before(s.flush)) {
		s.terminate(w, now)
		return s.gone, true
	}
	next = earlier(next, s.pathTurn(w, now))
	for _, d := range s.direct {
		s.sendDirect(w, now, d)
	}
	s.direct = s.direct[:0]
	more = s.train(w, now)
	next = earlier(next, s.flow.Deadline())
	if s.state == stateClosing {
		next = earlier(next, s.flush)
	}
	return next, more
}

// train makes as many packets as the flow lets go, at most trainPackets, of equal length where it can. True: there may be
// more.
func (s *session) train(w *writer, now time.Time) bool {
	length := 0 // of the packets of the train that is open, 0: none is
	for size, made := 0, 0; made < trainPackets && size < trainBytes; {
		room := w.room()
		payload := room[wire.ShortHeaderLen : cap(room)-wire.TagLen]
		if length > 0 {
			payload = payload[:length]
		}
		number, n, immediate, ok := s.flow.Fill(now, payload)
		if !ok {
			if length == 0 {
				return false
			}
			length = 0 // what is left does not fit that length
			continue
		}
		packet := s.sealer.Seal(room[:wire.ShortHeaderLen+n], s.remoteID, number, immediate)
		w.add(s, s.route(), number, packet)
		switch {
		case n > s.flow.PayloadSize(): // a probe of the MTU: if it is refused, nothing else is
			w.end()
			length = 0
		case length == 0 || n == length:
			length = n
		default:
			length = 0
		}
		made++
		size += len(packet)
		s.bytesOut.Add(uint64(len(packet)))
	}
	return true
}

// sendDirect sends a packet to an address that is not the session's.
func (s *session) sendDirect(w *writer, now time.Time, d directPacket) int {
	room := w.room()
	number, n, ok := s.flow.FillDirect(now, room[wire.ShortHeaderLen:cap(room)-wire.TagLen], d.blocks)
	if !ok {
		return 0
	}
	packet := s.sealer.Seal(room[:wire.ShortHeaderLen+n], s.remoteID, number, false)
	w.add(nil, d.by, number, packet)
	s.bytesOut.Add(uint64(len(packet)))
	return len(packet)
}

// unsent tells the flow what the system refused for its length.
func (s *session) unsent(now time.Time, first, last uint32) {
	s.mu.Lock()
	if s.state <= stateClosing {
		s.flow.Unsent(now, first, last)
	}
	s.mu.Unlock()
	s.link.mark(s)
}

// earlier is the first of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
