package streaming

import (
	"time"

	"clove.i2p/router/buf"
)

// earlyPacket overtook the SYN of its stream. Java I2P sends up to a window before it knows our stream id.
type earlyPacket struct {
	from StreamID
	at   time.Duration
	b    *buf.Buf
}

// tooEarly keeps a packet without our stream id until the SYN comes.
func (s *Stack) tooEarly(_ Ports, b *buf.Buf) {
	p, err := ParsePacket(b.Bytes())
	if err != nil || p.Sequence == 0 || p.ReceiveStream == 0 {
		s.drop(b, DropUnknown)
		return
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropEarly(func(e earlyPacket) bool { return now-e.at > earlyTime })
	same := 0
	for _, e := range s.early {
		if e.from == p.ReceiveStream {
			same++
		}
	}
	if same >= maxEarlyEach || len(s.early) >= maxEarly || s.ended || len(s.listeners) == 0 {
		s.drop(b, DropUnknown)
		return
	}
	s.early = append(s.early, earlyPacket{p.ReceiveStream, now, b})
}

// takeEarly hands out the packets of a stream. s.mu is held.
func (s *Stack) takeEarly(from StreamID) (out []*buf.Buf) {
	kept := s.early[:0]
	for _, e := range s.early {
		if e.from == from {
			out = append(out, e.b)
		} else {
			kept = append(kept, e)
		}
	}
	clear(s.early[len(kept):])
	s.early = kept
	return out
}

// dropEarly drops those for which old is true. s.mu is held.
func (s *Stack) dropEarly(old func(earlyPacket) bool) {
	kept := s.early[:0]
	for _, e := range s.early {
		if old(e) {
			s.drop(e.b, DropUnknown)
		} else {
			kept = append(kept, e)
		}
	}
	clear(s.early[len(kept):])
	s.early = kept
}
