package ssu2

import (
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// remind tells the peer our time, and our RouterInfo if that is new, gives it another token in time, and counts what the flow did. It belongs to the sweep.
func (s *session) remind(now time.Time, self *i2p.RouterInfo) {
	var info *buf.Buf
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.counted = s.s.c.flows.add(s.counted, s.flow)
	due := now.Sub(s.toldTime) >= dateTimeInterval
	if self != nil && self.Published().After(s.toldInfo) {
		s.toldInfo = self.Published()
		store := i2np.DatabaseStore{Key: self.Hash(), Data: self.Bytes()}
		info = buf.From(i2np.Encode(i2np.NewHeader(store.Type(), s.s.clock.Now()), store))
	}
	fresh := now.Sub(s.tokenAt) >= newTokenInterval
	if fresh {
		s.giveToken(now)
	}
	if due || info != nil {
		s.toldTime = now
		s.flow.Control(now, wire.AppendDateTime(make([]byte, 0, 7), s.s.clock.Now()), false)
	}
	if info != nil {
		s.flow.Queue(now, []*buf.Buf{info})
	}
	s.mu.Unlock()
	if due || fresh || info != nil {
		s.link.mark(s)
	}
}

// giveToken gives the peer a token for its next session, in place of the one it has. The lock is held.
func (s *session) giveToken(now time.Time) {
	token, expires := s.s.mint.give(s.remote, now)
	s.flow.Control(now, wire.AppendNewToken(make([]byte, 0, 16), token, s.s.routerTime(expires)), true)
	s.tokenAt = now
}
