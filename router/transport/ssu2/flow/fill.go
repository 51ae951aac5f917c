package flow

import (
	"math"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
)

// Fill writes the payload of the next packet to the front of payload and returns its packet number, its length and the immediate-ack flag; ok is false if
// there is nothing to send, or not yet: see Deadline.
//
// payload has room for a packet of MaxMTU, or less: for a train of equal packets call it with all the room for the first, then with payload[:n] of the first
// one's n. Packets that need a little less are padded to that. A packet that is shorter ends the train, and so does ok false, after which only a call with
// all the room tells that there is nothing more. A first packet that is longer than PayloadSize probes the path's MTU and goes alone.
func (f *Flow) Fill(now time.Time, payload []byte) (number uint32, n int, immediate, ok bool) {
	t := f.tick(now)
	if f.closed || f.ended || len(payload) < leastFill || f.exhausted() && (f.termination == nil || f.sent.next == math.MaxUint32) {
		return 0, 0, false, false
	}
	f.housekeep(t)
	f.onTimer(t)
	f.pacer.refill(t)
	limit := min(len(payload), f.mtu.payload()) // a timer may have lowered it
	if f.termination != nil {
		return f.fillLast(payload[:0:limit])
	}
	if mtu := f.probeMTU(t); mtu != 0 && mtu-f.mtu.overhead <= len(payload) {
		return f.fillProbe(t, payload[:0:mtu-f.mtu.overhead], mtu)
	}
	w := writer{p: payload[:0:limit], refs: -1}
	f.write(t, &w)
	if len(w.p) == 0 {
		return 0, 0, false, false
	}
	f.pad(&w)
	if !w.eliciting {
		number = f.skip(t, &w)
		return number, len(w.p), false, true
	}
	number = f.track(t, &w, 0)
	full := f.sent.bytes >= f.cc.window() || f.sent.packets >= maxWindow
	// i2pd and Java ack some blocks, such as NewToken, only with the flag.
	return number, len(w.p), w.again || full || !w.message, true
}

// FillDirect is Fill for a packet off the path, such as a PathChallenge to an address that is not validated yet: the given blocks, an ack and padding. It is
// neither congestion controlled nor sent again. ok is false if the blocks do not fit.
func (f *Flow) FillDirect(now time.Time, payload, blocks []byte) (number uint32, n int, ok bool) {
	t := f.tick(now)
	limit := min(len(payload), f.floor())
	if f.closed || limit < leastFill || len(blocks) > limit || f.exhausted() {
		return 0, 0, false
	}
	w := writer{p: append(payload[:0:limit], blocks...), refs: -1}
	if f.in.any && w.room() >= wire.AckLen {
		w.p = f.in.appendAck(w.p, w.room(), f.ranges[:])
	}
	f.pad(&w)
	return f.skip(t, &w), len(w.p), true
}

// A writer is the payload of one packet under way.
type writer struct {
	p         []byte // its capacity is the limit
	refs      int32  // sentLog.attach
	eliciting bool
	message   bool // a message or fragment is in it
	again     bool // something in it was sent before
	acks      bool
}

func (w *writer) room() int { return cap(w.p) - len(w.p) }

// write writes what may go now.
func (f *Flow) write(t instant, w *writer) {
	probing := f.loss.probes > 0
	ping := f.loss.probes == 1 && f.mtu.payload() > f.floor() // long packets may vanish on the path
	data := !ping && (probing || f.maySend())
	next, have := f.pick(t, data)
	if f.sent.next == 0 {
		have, probing = false, false // i2pd acks number 0 even if it did not get it: it carries an ack only
	}
	if have && next.size > w.room() && w.room() < f.mtu.payload() {
		return // the train ends here
	}
	if due := f.acks.at <= t; f.acks.news && (due || have || probing) {
		room := w.room()
		if have {
			room -= next.size
		}
		if room < wire.AckLen && due {
			have, probing, room = false, false, w.room() // by itself
		}
		if room >= wire.AckLen {
			w.p = f.in.appendAck(w.p, room, f.ranges[:])
			w.acks = true
		}
	}
	for have && next.size <= w.room() {
		f.put(w, next)
		next, have = f.pick(t, data)
	}
	switch {
	case probing && w.refs < 0:
		f.writeProbe(t, w, ping)
	case f.pinging && f.sent.next > 0 && w.room() >= wire.BlockHeaderLen+pingLen:
		f.writePing(w)
	}
}

// maySend reports whether congestion control and pacing let a packet go.
func (f *Flow) maySend() bool { return f.open() && f.pacer.allows() }

// open reports whether the window has room. Once it was full it opens again for a train: an eighth of it, 16 packets at most.
func (f *Flow) open() bool {
	window := min(f.cc.window(), maxWindow*f.packet)
	switch used := f.sent.bytes; {
	case used >= window || f.sent.packets >= maxWindow:
		f.full = true
	case f.full && used <= window-min(window/8, leastBurst*f.packet) && f.sent.packets <= maxWindow-leastBurst:
		f.full = false
	}
	return !f.full
}

// pick finds the next block. Control blocks are few and small, and pass without regard to congestion.
func (f *Flow) pick(t instant, data bool) (pick, bool) {
	if p, ok := f.queue.pickControl(t); ok || !data {
		return p, ok
	}
	return f.queue.pick(t, f.mtu.payload(), f.mtu.known())
}

// put appends a block.
func (f *Flow) put(w *writer, p pick) {
	w.p = p.m.appendBlock(w.p, p.frag)
	w.eliciting = w.eliciting || !p.m.control || eliciting(wire.BlockType(p.m.b.Bytes()[0]))
	w.message = w.message || !p.m.control
	w.again = w.again || p.from == &f.queue.lost
	if f.queue.took(p) {
		f.sent.attach(&w.refs, p.h, p.frag)
	}
}

// writeProbe writes what elicits an ack after a timeout: the blocks of the oldest packet in flight once more, and of the one after it in the second probe; and
// a ping, whose answer acks the packet where the peer acks no such blocks.
func (f *Flow) writeProbe(t instant, w *writer, ping bool) {
	w.again, w.eliciting = true, true
	if f.loss.probes == 2 {
		f.copied = f.sent.base
	}
	for ; !ping && f.copied < f.sent.next && w.refs < 0; f.copied++ {
		p := f.sent.at(f.copied)
		if f.copied < f.sent.base || p.state != inFlight {
			continue
		}
		for i := p.refs; i >= 0; i = f.sent.refs[i].next {
			r := f.sent.refs[i]
			m := f.queue.live(r.h)
			if m != nil && t < m.expires && m.acked>>r.frag&1 == 0 && m.blockLen(r.frag) <= w.room() {
				w.p = m.appendBlock(w.p, r.frag)
				f.sent.attach(&w.refs, r.h, r.frag)
				f.stats.Resent++
			}
		}
	}
	if w.refs < 0 || w.room() >= wire.BlockHeaderLen+pingLen {
		f.writePing(w)
	}
}

// pad hides the length a little, and makes equal what is nearly so.
func (f *Flow) pad(w *writer) {
	room := w.room() - wire.BlockHeaderLen
	if room < 0 {
		return
	}
	n := room
	if room > maxTrainPadding {
		n = max(int(f.random()%(maxPadding+1)), wire.MinPayload-wire.BlockHeaderLen-len(w.p))
	}
	w.p = wire.AppendPadding(w.p, n)
}

// fillLast writes the Termination. Nothing follows it but another one.
func (f *Flow) fillLast(p []byte) (number uint32, n int, immediate, ok bool) {
	w := writer{p: p, refs: -1}
	if f.in.any {
		w.p = f.in.appendAck(w.p, w.room()-len(f.termination), f.ranges[:])
		w.acks = true
	}
	w.p = append(w.p, f.termination...)
	f.pad(&w)
	f.termination, f.ended = nil, true
	return f.skip(f.now, &w), len(w.p), false, true
}

// probeMTU returns the MTU to try now, 0: none.
func (f *Flow) probeMTU(t instant) int {
	if f.mtu.next > t || !f.open() || f.rtt.samples == 0 || f.sent.packets == 0 && f.queue.empty() {
		return 0
	}
	return f.mtu.wants()
}

// fillProbe writes a ping that is padded to the MTU to be tried.
func (f *Flow) fillProbe(t instant, p []byte, mtu int) (number uint32, n int, immediate, ok bool) {
	w := writer{p: p, refs: -1}
	f.writePing(&w)
	w.p = wire.AppendPadding(w.p, w.room()-wire.BlockHeaderLen)
	number = f.track(t, &w, mtu)
	f.mtu.sent(mtu)
	return number, len(w.p), true, true
}

// skip gives out the number of a packet that needs no ack.
func (f *Flow) skip(t instant, w *writer) uint32 {
	f.makeRoom(t)
	f.sentOne(w)
	return f.sent.skip()
}

// track remembers a packet until it is acked.
func (f *Flow) track(t instant, w *writer, mtu int) uint32 {
	f.makeRoom(t)
	f.sentOne(w)
	if f.sent.packets == 0 {
		f.loss.progress = t
	}
	f.loss.lastSent = t
	if f.loss.probes > 0 {
		f.loss.probes--
	}
	f.pacer.spend(len(w.p))
	f.active, f.trimmed = t, false
	return f.sent.add(packet{
		sent: t, refs: w.refs, size: uint16(len(w.p)), probe: uint16(mtu), big: len(w.p) > f.floor(),
		hasAck: w.acks, through: f.in.highest,
	})
}

func (f *Flow) sentOne(w *writer) {
	f.stats.PacketsOut++
	f.stats.BytesOut += uint64(len(w.p))
	if w.acks {
		f.acks.sent()
	}
}

// makeRoom declares the oldest packets lost if too many are tracked.
func (f *Flow) makeRoom(t instant) {
	for !f.sent.reserve() {
		p := f.sent.at(f.sent.base)
		if p.state == inFlight {
			f.lose(t, p, true)
		}
		f.sent.land(p, gone)
		f.sent.base++
		f.sent.advance(t - f.lostLife())
	}
}
