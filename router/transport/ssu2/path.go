package ssu2

import (
	"bytes"
	"crypto/rand"
	"net/netip"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
)

// A pathCheck validates the address from which the newest packet came ("Connection Migration"): a PathChallenge goes there, and
// only its answer moves the session. Meanwhile messages go to the old address. A packet from there that is newer
// ends the check, so that copies of packets, sent from elsewhere, do no harm.
type pathCheck struct {
	to       route
	data     [8]byte
	number   uint32 // of the packet that came from there
	received int    // bytes from there
	sent     int    // bytes that went there: at most pathCredit times as many
	next     time.Time
	interval time.Duration
	until    time.Time
}

// elsewhere handles the source of an authentic packet that is not the session's address. The lock is held, as for all here.
func (s *session) elsewhere(now time.Time, from route, size int, number uint32) {
	if p := s.path; p != nil && p.to.to == from.to {
		p.received += size
		return
	}
	if number <= s.highest || s.state != stateOpen || now.Sub(s.pathAt) < pathGap || !s.mayMove(from.to) {
		return
	}
	p := &pathCheck{to: from, number: number, received: size, next: now, interval: pathResend, until: now.Add(pathTimeout)}
	rand.Read(p.data[:])
	s.path, s.pathAt = p, now
	s.flow.Constrain(now, true)
}

// mayMove: to addresses of the same IP version that a session could be opened from.
func (s *session) mayMove(to netip.AddrPort) bool {
	return to.Addr().Is4() == s.remote.Addr().Is4() && s.s.cfg.mayUse(to)
}

// pathTurn sends the challenge, first and again, and returns when the next one is due.
func (s *session) pathTurn(w *writer, now time.Time) time.Time {
	p := s.path
	if p == nil {
		return time.Time{}
	}
	if !now.Before(p.until) {
		s.path = nil
		s.flow.Constrain(now, false)
		s.s.c.pathsFailed.Add(1)
		return time.Time{}
	}
	if !now.Before(p.next) {
		p.next = now.Add(p.interval)
		p.interval *= 2
		b := wire.AppendPathChallenge(make([]byte, 0, 64), p.data[:])
		b = wire.AppendAddress(b, p.to.to)
		b = wire.AppendDateTime(b, s.s.clock.Now())
		if p.sent+len(b)+challengeOverhead <= pathCredit*p.received {
			p.sent += s.sendDirect(w, now, directPacket{p.to, b})
		}
	}
	return earlier(p.next, p.until)
}

// challengeOverhead is what a direct packet has around its blocks at most: header, tag, an ack, padding.
const challengeOverhead = wire.DataOverhead + 64

// challenged answers a PathChallenge, to where it came from, and again until it is acked where that is the session's path: i2pd
// asks once, and ends the session if nothing comes.
func (s *session) challenged(data []byte) {
	if len(data) == 0 || len(data) > maxPathData {
		return
	}
	block := wire.AppendPathResponse(make([]byte, 0, 3+len(data)), data)
	switch {
	case s.from.to == s.remote:
		s.flow.Control(s.now, block, true)
	case len(s.direct) < 4 && s.mayMove(s.from.to):
		s.direct = append(s.direct, directPacket{s.from, block})
	}
}

// pathAnswered takes a PathResponse, from whatever address.
func (s *session) pathAnswered(data []byte) {
	p := s.path
	if p == nil || !bytes.Equal(data, p.data[:]) {
		return
	}
	sameHost := p.to.to.Addr() == s.remote.Addr()
	s.path = nil
	s.s.contact(s.remote, s.now) // what is behind us is no session's any more, but its NAT knows us for a while
	s.s.table.moveSession(s, p.to.to)
	s.local = p.to.local
	s.s.c.migrated.Add(1)
	s.flow.Constrain(s.now, false)
	if !sameHost { // another port is a NAT that forgot: the path is the same
		s.flow.Rebase(s.now, !p.to.to.Addr().Is4())
	}
	s.giveToken(s.now)
}
