package ntcp2

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A session is the data phase of one connection.
//
//	handshake -> registered -> reader and writer run -> Close: flushed, Termination sent, waits for the peer to close
//	                                                 -> or the peer terminates, or an error
//	          -> unregistered, after the last message was delivered
type session struct {
	peer      i2p.Hash
	direction transport.Direction
	crypto    string // for Status
	conn      net.Conn
	remote    netip.AddrPort
	since     time.Time
	clock     *clock.Clock
	registry  transport.Registry
	limiter   Limiter
	queue     *sendQueue
	shutdown  chan struct{} // closed when the writer has ended
	writeErr  error         // of the writer, once it has ended

	framesIn    atomic.Uint64
	bytesIn     atomic.Uint64
	bytesOut    atomic.Uint64
	messagesIn  atomic.Uint64
	messagesOut atomic.Uint64
	active      atomic.Int64 // time in ns from since to the last message: a local clock that is set does not count
	stalledOut  atomic.Bool
	writing     atomic.Int64 // time in ns from since to the begin of the Write under way, or 0

	// For the sweep of the server only.
	toldTime time.Time
	toldInfo time.Time // publication of the RouterInfo that the peer has
}

var _ transport.Session = (*session)(nil)

func (s *session) Peer() i2p.Hash                 { return s.peer }
func (s *session) Direction() transport.Direction { return s.direction }

// Send queues messages.
func (s *session) Send(msgs []*buf.Buf) int { return s.queue.put(msgs) }

// Close flushes, tells the reason and closes.
func (s *session) Close(reason transport.Reason) { s.close(reason, closeFlush) }

func (s *session) close(reason transport.Reason, flush time.Duration) {
	if s.queue.close(reason) {
		s.conn.SetWriteDeadline(time.Now().Add(flush))
	}
}

// Idle is the time since a message passed.
func (s *session) Idle(now time.Time) time.Duration {
	return now.Sub(s.since) - time.Duration(s.active.Load())
}

func (s *session) Status() transport.SessionStatus {
	queued, dropped := s.queue.status()
	return transport.SessionStatus{
		Peer: s.peer, Style: style, Crypto: s.crypto, Direction: s.direction, Remote: s.remote, Since: s.since,
		BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(),
		MessagesIn: s.messagesIn.Load(), MessagesOut: s.messagesOut.Load(),
		Dropped: dropped, Queued: queued,
	}
}

// run is the reader goroutine: it delivers until the session ends, and then ends the writer. After Close it returns nil.
func (s *session) run(ctx context.Context, r *reader) error {
	err := r.run(ctx)
	reason, tell := reasonOf(err)
	if tell {
		if reason == transport.ReasonAEAD {
			// A decryption oracle would learn from when and after how many bytes we close.
			drain(s.conn, minProbeTime+time.Duration(someOf(int(maxProbeTime-minProbeTime))), someOf(maxProbeBytes))
		}
		s.close(reason, closeLinger)
		<-s.shutdown
	}
	closing := s.queue.kill()
	s.conn.Close()
	<-s.shutdown
	switch {
	case s.stalledOut.Load():
		return errStalled
	case closing && !tell:
		return nil
	case errors.Is(err, net.ErrClosed) && s.writeErr != nil:
		return s.writeErr
	}
	return violation(err)
}

// reasonOf tells whether the peer is to be told why the reader ended.
func reasonOf(err error) (reason transport.Reason, tell bool) {
	switch {
	case errors.Is(err, errAEAD):
		return transport.ReasonAEAD, true
	case errors.Is(err, errMalformed):
		return transport.ReasonFormat, true
	case errors.Is(err, transport.ErrClockSkew):
		return transport.ReasonClockSkew, true
	}
	return 0, false
}

// write is the writer goroutine.
func (s *session) write(ctx context.Context, w *writer) {
	defer close(s.shutdown)
	err := w.run(ctx)
	s.writeErr = err
	if err != nil || !w.work.closing {
		s.conn.Close()
		return
	}
	// The reader goes on until the peer closes, as closing with unread bytes would reset the connection before the
	// Termination arrives.
	if tcp, ok := s.conn.(interface{ CloseWrite() error }); ok {
		tcp.CloseWrite()
	}
	s.conn.SetReadDeadline(time.Now().Add(closeLinger))
}

func (s *session) wait(ctx context.Context, n int) error {
	if s.limiter == nil {
		return nil
	}
	return s.limiter.WaitOut(ctx, n)
}

func (s *session) waitIn(ctx context.Context, n int) error {
	if s.limiter == nil {
		return nil
	}
	return s.limiter.WaitIn(ctx, n)
}

// stalled reports whether the peer has not read for a long time.
func (s *session) stalled(now time.Time) bool {
	began := s.writing.Load()
	return began != 0 && now.Sub(s.since)-time.Duration(began) > maxWriteStall
}
