package flow

import "clove.i2p/router/transport/ssu2/wire"

// acked is what an Ack block says for the first time.
type acked struct {
	newest   *packet // of those in flight, nil: none was
	number   uint32  // of it
	lastSent instant // when the last of them was sent
	bytes    int     // of them
	spurious bool    // some were declared lost
}

// onAck takes the body of an Ack block.
func (f *Flow) onAck(t instant, body []byte) error {
	ack, err := wire.ParseAck(body)
	if err != nil {
		return err
	}
	l := &f.sent
	if l.base == l.next {
		return nil
	}
	var a acked
	before := l.bytes
	for first, last, ok := ack.Next(); ok && last >= l.base; first, last, ok = ack.Next() {
		if first >= l.next {
			continue // i2pd acks number 0 before it got any packet
		}
		first = max(first, l.base)
		for n := min(last, l.next-1); ; n-- {
			f.ackOne(t, n, &a)
			if n == first {
				break
			}
		}
	}
	if a.newest == nil && !a.spurious {
		return nil
	}
	f.loss.progress, f.loss.ptos, f.loss.probes = t, 0, 0
	if a.newest != nil {
		f.onProgress(t, &a, before)
	}
	f.detectLost(t)
	l.advance(t - f.lostLife())
	return nil
}

// ackOne takes the ack of packet n.
func (f *Flow) ackOne(t instant, n uint32, a *acked) {
	p := f.sent.at(n)
	switch p.state {
	case inFlight:
		if a.newest == nil {
			a.newest, a.number = p, n
		}
		a.bytes += int(p.size)
		a.lastSent = max(a.lastSent, p.sent)
		f.deliver(t, p)
	case lost:
		if p.probe == 0 { // its loss was no sign of anything
			a.spurious = true
			f.stats.Spurious++
			if f.onPath(p) {
				f.loss.reordered(&f.rtt, int(max(f.loss.acked, n)-n), t-p.sent)
				f.cc.spurious(p.sent)
			}
		}
		f.deliver(t, p)
	}
}

// onProgress tells the estimators of packets that were in flight, with before bytes.
func (f *Flow) onProgress(t instant, a *acked, before int) {
	if !f.loss.anyAcked || a.number > f.loss.acked {
		f.loss.acked, f.loss.anyAcked = a.number, true
		if f.onPath(a.newest) {
			f.rtt.sample(t, t-a.newest.sent)
			f.cc.sample(t, f.rtt.latest)
		}
	}
	if a.lastSent >= f.loss.roundEnds {
		f.loss.roundEnds = f.loss.lastSent + 1
		f.cc.round(t, f.loss.rate.acked, f.loss.rate.lost)
		f.loss.round()
	}
	f.cc.acked(t, a.lastSent, a.bytes, before, f.rtt.current())
}

// deliver ends a packet that was acked.
func (f *Flow) deliver(t instant, p *packet) {
	if p.hasAck {
		f.in.forget(p.through)
	}
	for i := p.refs; i >= 0; i = f.sent.refs[i].next {
		r := &f.sent.refs[i]
		if f.queue.ack(r.h, r.frag) {
			f.stats.MessagesOut++
		}
	}
	if f.onPath(p) {
		f.loss.rate.acked++
		f.mtu.acked(t, p, f.rtt.current())
	}
	f.sent.land(p, gone)
}
