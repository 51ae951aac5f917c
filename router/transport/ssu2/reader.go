package ssu2

import (
	"errors"
	"net"
	"slices"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// A reader is the state of the goroutine that receives from a link.
type reader struct {
	l       *link
	packets [udp.BatchSize]udp.Packet
	touched []*session // have got packets of this Read
	dials   []*dial
	retries retryLimit
	outside retryLimit // packets of peer tests and relays
}

// run hands packets out until the socket is closed: what the sessions flush at the end needs its acks.
func (r *reader) run() {
	defer close(r.l.ended)
	for pause := time.Duration(0); ; {
		n, err := r.l.socket.Read(r.packets[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause = min(max(2*pause, time.Millisecond), maxReadPause)
			<-time.After(pause)
			continue
		}
		pause = 0
		r.batch(r.packets[:n], time.Now())
	}
}

// batch handles what one Read brought; the messages of a session go out as one batch.
func (r *reader) batch(packets []udp.Packet, now time.Time) {
	size := 0
	for i := range packets {
		size += len(packets[i].Data)
		r.packet(&packets[i], now)
	}
	for i, s := range r.touched {
		s.touched = false
		s.deliver()
		s.link.mark(s)
		r.touched[i] = nil
	}
	r.touched = r.touched[:0]
	if lim := r.l.s.cfg.Limiter; lim != nil {
		lim.WaitIn(r.l.s.ctx, size)
	}
}

// packet finds out whose a packet is ("Inbound Packet Handling").
func (r *reader) packet(p *udp.Packet, now time.Time) {
	s := r.l.s
	id, ok := wire.DestID(p.Data, s.intro.Key())
	if !ok {
		s.c.short.Add(1)
		return
	}
	switch of := s.table.find(id).(type) {
	case *session:
		if of.link == r.l && of.receive(now, p) && !of.touched {
			of.touched = true
			r.touched = append(r.touched, of)
		}
		return
	case *inbound:
		if of.l == r.l && of.from == p.From {
			of.packet(p.Data, now)
		}
		return
	}
	if s.ctx.Err() != nil || !s.cfg.mayUse(p.From) { // so that no Retry goes there
		return
	}
	if r.stranger(p, now) || r.dialled(p) {
		return
	}
	s.c.stray.Add(1)
}

// stranger handles what opens under our intro key; false if the packet is none of these. It comes before the dials: a peer may
// dial us while we dial it.
func (r *reader) stranger(p *udp.Packet, now time.Time) bool {
	s := r.l.s
	h, err := wire.OpenHeader(p.Data, s.intro.Key(), s.intro.Key())
	if err != nil || h.SrcID == h.DestID || h.NetworkID != byte(s.cfg.NetworkID) {
		return false
	}
	variant, known := wire.VariantOf(h.Version)
	if !known {
		return false
	}
	switch h.Type {
	case wire.TokenRequest:
		r.tokenRequest(p, h, now)
	case wire.SessionRequest:
		if s.offers(variant) {
			r.sessionRequest(p, h, now)
		}
	case wire.PeerTestPacket, wire.HolePunch:
		if !r.outside.allow(p.From, s.cfg.AllowPrivate, now) {
			s.c.limited.Add(1)
			return true
		}
		if h, payload, err := s.intro.Open(p.Data, h.Type, byte(s.cfg.NetworkID)); err == nil {
			s.nat.outside(p.From, h, slices.Clone(payload))
		}
	default:
		return false
	}
	return true
}

// dialled hands SessionCreated and Retry to the dial that waits for it: they come under the intro key of the peer.
func (r *reader) dialled(p *udp.Packet) bool {
	r.dials = r.l.s.table.dialsAt(p.From, r.dials[:0])
	for _, d := range r.dials {
		if id, ok := wire.DestID(p.Data, d.intro); ok && id == d.id {
			d.packet(slices.Clone(p.Data))
			return true
		}
	}
	return false
}

// tokenRequest answers with a Retry, or with a Termination if the clocks differ too much; nothing is remembered.
func (r *reader) tokenRequest(p *udp.Packet, h wire.Header, now time.Time) {
	s := r.l.s
	if !r.retries.allow(p.From, s.cfg.AllowPrivate, now) {
		s.c.limited.Add(1)
		return
	}
	_, payload, err := s.intro.Open(p.Data, wire.TokenRequest, byte(s.cfg.NetworkID))
	if err != nil {
		return
	}
	theirs, ok := dateTimeOf(payload)
	switch ahead := theirs.Sub(s.clock.Now()); {
	case !ok:
	case skewed(ahead):
		s.c.skewed.Add(1)
		s.retry(r.l, backTo(p), h, 0, wire.ReasonClockSkew)
	default:
		s.retry(r.l, backTo(p), h, s.mint.retry(p.From, now), 0)
	}
}

// sessionRequest answers one without a good token with a Retry, and begins a handshake with another.
func (r *reader) sessionRequest(p *udp.Packet, h wire.Header, now time.Time) {
	s := r.l.s
	if !s.mint.take(p.From, h.Token, now) {
		if !r.retries.allow(p.From, s.cfg.AllowPrivate, now) {
			s.c.limited.Add(1)
			return
		}
		s.retry(r.l, backTo(p), h, s.mint.retry(p.From, now), 0)
		return
	}
	s.beginInbound(r.l, p, h, now)
}
