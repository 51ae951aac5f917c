package ssu2

import (
	"bytes"
	"errors"
	"math"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// Close flushes, tells the reason and closes.
func (s *session) Close(reason transport.Reason) { s.closeBy(reason, time.Now().Add(closeFlush)) }

// closeBy is Close with a time for the flush.
func (s *session) closeBy(reason transport.Reason, flush time.Time) {
	s.mu.Lock()
	s.closeLocked(reason, flush)
	s.mu.Unlock()
	s.link.mark(s)
}

func (s *session) closeLocked(reason transport.Reason, flush time.Time) {
	switch {
	case s.state == stateOpen:
		s.state, s.reason, s.flush = stateClosing, reason, flush
	case s.state == stateClosing && flush.Before(s.flush):
		s.flush = flush
	}
}

// Replace closes at once and gives back what the peer did not ack.
func (s *session) Replace() (unsent []*buf.Buf) {
	now := time.Now()
	s.mu.Lock()
	if s.state <= stateClosing {
		unsent = s.flow.Unfinished(now)
	}
	s.closeLocked(transport.ReasonReplaced, now)
	s.mu.Unlock()
	s.link.mark(s)
	return unsent
}

// terminate says why, and lingers. The lock is held, as for all that follow.
func (s *session) terminate(w *writer, now time.Time) {
	room := w.room()
	block := wire.AppendTermination(make([]byte, 0, 12), s.flow.Received(), wire.TerminationReason(s.reason))
	s.flow.Control(now, block, false)
	number, n, _, ok := s.flow.Fill(now, room[wire.ShortHeaderLen:cap(room)-wire.TagLen])
	if !ok {
		s.fail(s.cause)
		return
	}
	packet := s.sealer.Seal(room[:wire.ShortHeaderLen+n], s.remoteID, number, false)
	s.answer, s.last = bytes.Clone(packet), number
	w.add(nil, s.route(), number, packet)
	s.bytesOut.Add(uint64(len(packet)))
	s.finish(s.cause)
	s.state = stateLingering
	s.gone, s.said = now.Add(lingerTime), now
	if s.reason != transport.ReasonReceived {
		s.repeat = now.Add(lingerResend)
	}
	s.s.linger(s)
}

// failed ends a session whose flow has failed, without a word if nobody listens. It returns when the next turn is due.
func (s *session) failed(w *writer, now time.Time, err error) time.Time {
	if !errors.Is(err, flow.ErrExhausted) {
		s.fail(err)
		return time.Time{}
	}
	if s.state == stateOpen {
		s.cause = err
	}
	if s.terminate(w, now); s.state != stateLingering {
		return time.Time{}
	}
	return earlier(s.gone, s.repeat)
}

// terminated is the peer's Termination: it is answered, unless it is an answer itself.
func (s *session) terminated(now time.Time, t *transport.Terminated) {
	if s.state == stateOpen {
		s.cause = t
	}
	if t.Reason == transport.ReasonReceived {
		s.fail(s.cause)
		return
	}
	s.state, s.reason, s.flush = stateClosing, transport.ReasonReceived, now
}

// late answers a packet that came after the end ("Session Termination"), until the peer confirms that it knows. If the peer has
// ended the session too, it waits for us to confirm that.
func (s *session) late(now time.Time, payload []byte) bool {
	switch reason, ok := terminationOf(payload); {
	case ok && (reason == wire.ReasonTerminationReceived || s.last == math.MaxUint32):
		s.forget()
		return false
	case ok && s.reason != transport.ReasonReceived:
		s.confirmEnd()
		s.repeat = now
		return true
	}
	if now.Sub(s.said) < lingerGap {
		return false
	}
	s.repeat = now
	return true
}

// confirmEnd makes the Termination that answers the peer's, although ours is out already.
func (s *session) confirmEnd() {
	s.reason, s.last = transport.ReasonReceived, s.last+1
	packet := make([]byte, wire.ShortHeaderLen, wire.ShortHeaderLen+64+wire.TagLen)
	packet = wire.AppendTermination(packet, s.flow.Received(), wire.ReasonTerminationReceived)
	packet = wire.AppendPadding(packet, someUpTo(maxHandshakePadding))
	s.answer = s.sealer.Seal(packet, s.remoteID, s.last, false)
}

// lingerTurn repeats the Termination, and ends the lingering.
func (s *session) lingerTurn(w *writer, now time.Time) time.Time {
	if !now.Before(s.gone) {
		s.forget()
		return time.Time{}
	}
	if !s.repeat.IsZero() && !now.Before(s.repeat) {
		w.single(s.route(), s.answer)
		s.said, s.repeat = now, time.Time{}
		if s.reason != transport.ReasonReceived {
			s.repeat = now.Add(lingerResend)
		}
	}
	return earlier(s.gone, s.repeat)
}

// fail ends the session without a word.
func (s *session) fail(err error) {
	s.finish(err)
	s.forget()
}

// forget frees the connection id.
func (s *session) forget() {
	s.state = stateGone
	s.answer = nil
	s.s.lingered(s)
}

// finish ends what the session carries; the registry hears of it when the last message is delivered.
func (s *session) finish(cause error) {
	if s.ended {
		return
	}
	s.ended, s.cause = true, cause
	s.flow.Close()
	s.counted = s.s.c.flows.add(s.counted, s.flow)
	if s.confirm != nil {
		s.s.table.leaveDial(s.confirm.dial)
		s.confirm = nil
	}
	s.s.contact(s.remote, time.Now())
	s.s.table.endSession(s)
	if s.onEnd != nil {
		s.onEnd()
	}
	s.s.nat.closed(s.peer)
}

// kill ends a session of a transport that stops.
func (s *session) kill(err error) {
	s.mu.Lock()
	if s.state <= stateClosing {
		s.fail(err)
	}
	s.mu.Unlock()
	s.deliver()
}
