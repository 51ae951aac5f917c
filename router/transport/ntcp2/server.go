package ntcp2

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/transport"
)

// A server is a Transport while it serves.
type server struct {
	cfg      Config
	clock    *clock.Clock
	log      *slog.Logger
	registry transport.Registry
	c        *counters
	ctx      context.Context // of Serve
	gate     *transport.Gate
	replays  transport.ReplayCache
	slots    chan struct{} // bounds the handshake crypto
	queued   atomic.Int64  // bytes in the send rings of all sessions
	probes   atomic.Int64  // slow closes of failed handshakes

	mu       sync.Mutex
	running  sync.WaitGroup
	closed   bool
	sessions map[*session]struct{}
}

func newServer(ctx context.Context, t *Transport, r transport.Registry) *server {
	return &server{
		cfg: t.cfg, clock: t.deps.Clock, log: t.deps.Logger, registry: r, c: &t.c, ctx: ctx,
		gate:     transport.NewGate(t.cfg.MaxPendingInbound, t.cfg.MaxPendingPerIP, t.cfg.AllowPrivate),
		slots:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		sessions: make(map[*session]struct{}),
	}
}

// goroutine starts f unless the server has closed.
func (s *server) goroutine(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Go(f)
	return true
}

// acceptLoop takes connections until the listener closes.
func (s *server) acceptLoop(l net.Listener) {
	for pause := time.Duration(0); ; {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || s.ctx.Err() != nil {
			return
		}
		if err != nil { // out of file descriptors, most likely
			s.log.Debug("accept failed", "cause", err)
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		from := addrPort(conn.RemoteAddr()).Addr()
		if !s.gate.Enter(from, time.Now()) {
			s.c.gated.Add(1)
			reset(conn)
			continue
		}
		if !s.goroutine(func() { s.inbound(conn, from) }) {
			s.gate.Leave(from)
			reset(conn)
		}
	}
}

// inbound is the life of one accepted connection: handshake, then the reader of its session.
func (s *server) inbound(conn net.Conn, from netip.Addr) {
	stop := context.AfterFunc(s.ctx, func() { conn.Close() })
	e, err := s.respond(conn)
	stop()
	s.gate.Leave(from)
	if err == nil && s.ctx.Err() != nil {
		err = s.ctx.Err()
	}
	if err != nil {
		s.refuse(conn, from, &e, err)
		return
	}
	s.c.accepted.Add(1)
	sn := s.newSession(conn, &e, transport.Inbound)
	s.registry.RouterInfo(e.peer, e.info, e.flood)
	if run := s.open(sn, &e); run != nil {
		s.gate.Opened(from)
		defer s.gate.Closed(from)
		run()
	}
}

// refuse ends a failed inbound handshake. A peer that proved who it is learns the reason; others nothing.
func (s *server) refuse(conn net.Conn, from netip.Addr, e *established, err error) {
	s.c.refused.Add(1)
	s.log.Debug("inbound handshake failed", "cause", err)
	var r *refusal
	if errors.As(err, &r) {
		s.terminate(conn, e, r.reason)
		return
	}
	if !errors.Is(err, transport.ErrClockSkew) && s.ctx.Err() == nil {
		s.gate.Failed(from, time.Now())
	}
	s.closeSlowly(s.ctx, conn)
}

// terminate says why a session does not come to be.
func (s *server) terminate(conn net.Conn, e *established, reason transport.Reason) {
	defer conn.Close()
	sn := s.newSession(conn, e, transport.Inbound)
	conn.SetDeadline(time.Now().Add(shutdownFlush))
	if newWriter(sn, &e.send).terminate(s.ctx, reason) != nil {
		return
	}
	if tcp, ok := conn.(interface{ CloseWrite() error }); ok {
		tcp.CloseWrite()
		drain(conn, shutdownFlush, maxProbeBytes)
	}
}

func (s *server) newSession(conn net.Conn, e *established, d transport.Direction) *session {
	now := time.Now()
	sn := &session{
		peer: e.peer, direction: d, conn: conn, remote: addrPort(conn.RemoteAddr()), since: now, clock: s.clock,
		registry: s.registry, limiter: s.cfg.Limiter, crypto: cryptoName(e.hybrid), queue: newSendQueue(s.cfg.SendQueue, &s.queued),
		shutdown: make(chan struct{}), toldTime: now,
	}
	if self := s.cfg.Self(); d == transport.Outbound && self != nil {
		sn.toldInfo = self.Published()
	}
	return sn
}

// open registers a session and starts its writer. It returns the reader, to be run by the caller, or nil if nobody wants the
// session.
func (s *server) open(sn *session, e *established) (run func()) {
	s.mu.Lock()
	ok := !s.closed
	if ok {
		s.sessions[sn] = struct{}{}
	}
	s.mu.Unlock()
	if !ok || !s.registry.Opened(sn) {
		s.forget(sn)
		reason := transport.ReasonBanned
		if !ok {
			reason = transport.ReasonShutdown
		}
		s.terminate(sn.conn, e, reason)
		return nil
	}
	w := newWriter(sn, &e.send)
	r := newReader(sn, &e.receive, e.remainder)
	if !s.goroutine(func() { sn.write(s.ctx, w) }) {
		close(sn.shutdown)
		sn.conn.Close()
	}
	return func() {
		err := sn.run(s.ctx, r)
		s.forget(sn)
		s.registry.Closed(sn, err)
	}
}

func (s *server) forget(sn *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sn)
}

func (s *server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*session, 0, len(s.sessions))
	for sn := range s.sessions {
		all = append(all, sn)
	}
	return all
}

// sweepLoop reminds peers of the time and of our RouterInfo when it is new, and ends sessions whose peer does not read.
func (s *server) sweepLoop() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			s.sweep(now)
		}
	}
}

func (s *server) sweep(now time.Time) {
	self := s.cfg.Self()
	for _, sn := range s.all() {
		if sn.stalled(now) {
			s.c.stalled.Add(1)
			sn.stalledOut.Store(true)
			sn.conn.Close()
			continue
		}
		var info []byte
		if self != nil && self.Published().After(sn.toldInfo) {
			info, sn.toldInfo = self.Bytes(), self.Published()
		}
		if due := now.Sub(sn.toldTime) >= dateTimeInterval; due || info != nil {
			sn.toldTime = now
			sn.queue.remind(true, info)
		}
	}
}

// stop closes all sessions and waits for every goroutine.
func (s *server) stop() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, sn := range s.all() {
		sn.close(transport.ReasonShutdown, shutdownFlush)
	}
	force := time.AfterFunc(shutdownFlush+closeLinger, func() {
		for _, sn := range s.all() {
			sn.queue.kill()
			sn.conn.Close()
		}
	})
	defer force.Stop()
	s.running.Wait()
}

// addrPort is the address of a connection; not valid if it is no IP address.
func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
