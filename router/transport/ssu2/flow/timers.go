package flow

import "time"

// Deadline is when Fill is to be called without any other event: not after the time of the last call if there is something to send at once; zero if there is
// nothing to wait for.
func (f *Flow) Deadline() time.Time {
	d := f.due()
	if d == never {
		return time.Time{}
	}
	return f.epoch.Add(d)
}

func (f *Flow) due() instant {
	switch {
	case f.closed || f.ended || f.exhausted() && f.termination == nil:
		return never
	case f.termination != nil || f.loss.probes > 0 || f.queue.control.n > 0 || f.pinging:
		return f.now
	}
	d := min(f.parts.due(), f.seen.due())
	if f.acks.news {
		d = min(d, f.acks.at)
	}
	if f.open() && f.queue.ready(f.mtu.payload(), f.mtu.known()) {
		d = min(d, f.pacer.next())
	}
	if f.open() && f.mtu.wants() != 0 && f.rtt.samples > 0 && (f.sent.packets > 0 || !f.queue.empty()) {
		d = min(d, f.mtu.next)
	}
	switch {
	case f.sent.packets > 0 && f.loss.timer != never:
		d = min(d, f.loss.timer)
	case f.sent.packets > 0:
		d = min(d, f.loss.ptoAt(&f.rtt), f.loss.progress+deadAfter)
	case !f.trimmed:
		d = min(d, f.active+trimAfter)
	}
	return d
}

// Failed returns ErrDead or ErrExhausted when the session is to be closed; after ErrExhausted Fill still gives a Termination. Call it when a Deadline has passed.
func (f *Flow) Failed(now time.Time) error {
	t := f.tick(now)
	switch {
	case f.exhausted():
		return ErrExhausted
	case f.sent.packets > 0 && t-f.loss.progress >= deadAfter:
		return ErrDead
	}
	return nil
}

// exhausted: only a Termination may go out.
func (f *Flow) exhausted() bool { return f.sent.next >= lastNumber }

// housekeep drops what is too old.
func (f *Flow) housekeep(t instant) {
	f.parts.expire(t)
	for f.seen.due() <= t {
		f.seen.turn(f.seen.due())
	}
	if !f.trimmed && f.sent.packets == 0 && f.active+trimAfter <= t {
		f.trimmed = true
		f.sent.advance(t)
		if f.sent.base == f.sent.next {
			f.sent.trim()
			f.queue.trim()
			f.parts.trim()
		}
	}
}
