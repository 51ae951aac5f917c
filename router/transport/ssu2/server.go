package ssu2

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// A server is a Transport while it serves.
type server struct {
	t        *Transport
	cfg      Config
	clock    *clock.Clock
	log      *slog.Logger
	observer Observer
	registry transport.Registry
	c        *counters
	ctx      context.Context // of Serve
	intro    *wire.Intro     // ours
	taken    [wire.MLKEM768 + 1]bool
	links    []*link
	table    *table
	mint     *mint
	purse    purse
	gate     *transport.Gate
	replays  transport.ReplayCache
	workers  *workers
	slots    chan struct{} // bounds the crypto of dials
	sending  *flow.Budget  // of the send queues of all sessions
	parts    *flow.Budget  // of their incomplete messages
	nat      *natEngine
	held     atomic.Int64 // packets that wait for a SessionConfirmed

	mu        sync.Mutex
	running   sync.WaitGroup
	closed    bool
	lingering []*session // closed ones that answer still, oldest first
	contacts  contacts
	unfound   unfound
}

func newServer(ctx context.Context, t *Transport, r transport.Registry) (*server, error) {
	s := &server{
		t: t, cfg: t.cfg, clock: t.deps.Clock, log: t.deps.Logger, observer: t.deps.Observer, registry: r, c: &t.c, ctx: ctx,
		intro: wire.NewIntro(t.cfg.IntroKey), table: newTable(), mint: newMint(),
		gate:    transport.NewGate(t.cfg.MaxPendingInbound, t.cfg.MaxPendingPerIP, t.cfg.AllowPrivate),
		workers: newWorkers(t.cfg.AllowPrivate), slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
		sending: flow.NewSendBudget(0), parts: flow.NewAssemblyBudget(0), unfound: make(unfound),
	}
	s.taken[wire.Plain] = true
	for _, v := range t.variants {
		s.taken[v] = true
	}
	for _, socket := range t.sockets {
		s.links = append(s.links, newLink(s, socket))
	}
	var err error
	s.nat, err = newNATEngine(s)
	return s, err
}

// serve runs until ctx ends and returns after the last goroutine.
func (s *server) serve() {
	stop := make(chan struct{})
	var background sync.WaitGroup
	for _, l := range s.links {
		r := &reader{l: l}
		background.Go(r.run)
		// The writer goes on for a while after ctx has ended, to say goodbye, but waits for no bandwidth then.
		w := newWriter(s.ctx, l)
		background.Go(func() { w.run(stop) })
	}
	for range runtime.GOMAXPROCS(0) {
		background.Go(s.workers.run)
	}
	background.Go(func() { s.nat.run(s.ctx) })
	background.Go(s.sweepLoop)
	<-s.ctx.Done()
	s.stop()
	close(stop)
	background.Wait()
	s.running.Wait()
}

func (s *server) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// stop closes all sessions, waits a moment for what they still send and for the acks, and closes the sockets.
func (s *server) stop() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.workers.close()
	until := time.Now().Add(shutdownFlush)
	for _, sn := range s.table.all() {
		sn.closeBy(transport.ReasonShutdown, until)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.table.count() > 0 && time.Now().Before(until.Add(100*time.Millisecond)) {
		<-tick.C
	}
	for _, l := range s.links {
		l.socket.Close()
		<-l.ended
	}
	for _, sn := range s.table.all() {
		sn.kill(transport.ErrClosed)
	}
}

// begin counts a goroutine that is not ours, a dial; false when the server stops.
func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

// offers tells whether we take a variant.
func (s *server) offers(v wire.Variant) bool { return s.taken[v] }

// work runs expensive crypto on one of as many slots as there are processors.
func (s *server) work(f func()) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	f()
}

// retry sends a Retry: with a token, or without one and with a reason.
func (s *server) retry(l *link, by route, h wire.Header, token wire.Token, reason wire.TerminationReason) {
	answer := wire.RetryTo(h, token, randomNumber())
	b := make([]byte, 0, 96)
	b = wire.AppendDateTime(b, s.clock.Now())
	b = wire.AppendAddress(b, by.to)
	if token == 0 {
		b = wire.AppendTermination(b, 0, reason)
	}
	b = wire.AppendPadding(b, int(answer.Number%16))
	s.c.retries.Add(1)
	l.answer(by, s.intro.Seal(answer, b))
}

// sweepLoop reminds peers of the time and of our RouterInfo when it is new, gives them tokens, and counts what the flows did.
func (s *server) sweepLoop() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			self := s.cfg.Self()
			for _, sn := range s.table.all() {
				sn.remind(now, self)
			}
		}
	}
}

// linger enters a closed session that answers still; the oldest of too many is forgotten.
func (s *server) linger(sn *session) {
	s.mu.Lock()
	var oldest *session
	if len(s.lingering) >= maxLingering {
		oldest = s.lingering[0]
		s.lingering = slices.Delete(s.lingering, 0, 1)
	}
	s.lingering = append(s.lingering, sn)
	s.mu.Unlock()
	if oldest != nil {
		s.table.drop(oldest.id, oldest)
	}
}

// lingered forgets it.
func (s *server) lingered(sn *session) {
	s.mu.Lock()
	if i := slices.Index(s.lingering, sn); i >= 0 {
		s.lingering = slices.Delete(s.lingering, i, i+1)
	}
	s.mu.Unlock()
	s.table.drop(sn.id, sn)
}

// crossed ends our dials to a peer that has opened a session.
func (s *server) crossed(sn *session) {
	for _, d := range s.table.dialsTo(sn.peer, nil) {
		select {
		case d.crossed <- sn:
		default:
		}
	}
}

func (s *server) skew(peer i2p.Hash, ahead time.Duration) {
	if s.cfg.Skew != nil {
		s.cfg.Skew(peer, ahead)
	}
}

// strict: on the public network the source of a connection is compared with the published host.
func (s *server) strict() bool { return s.cfg.NetworkID == PublicNetworkID }

// dateTimeOf finds the DateTime block of a payload.
func dateTimeOf(payload []byte) (t time.Time, ok bool) {
	blocks, err := wire.ParseBlocks(payload)
	for err == nil && blocks.Next() {
		if blocks.Type == wire.BlockDateTime {
			t, err = wire.ParseDateTime(blocks.Body)
			return t, err == nil
		}
	}
	return t, false
}

// someUpTo is a random number in 0..n.
func someUpTo(n int) int {
	var b [2]byte
	rand.Read(b[:])
	return int(binary.BigEndian.Uint16(b[:])) % (n + 1)
}
