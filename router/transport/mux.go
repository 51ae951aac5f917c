package transport

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A Mux is the table of sessions and the dial policy over all transports. It is safe for concurrent use.
//
//	New -> Serve (until its ctx ends) -> done; Send, Connect and so on count a drop or return ErrClosed otherwise
type Mux struct {
	cfg  Config
	deps Deps
	log  *slog.Logger
	c    counters

	styles []*style // one for each of Deps.Transports
	seed   maphash.Seed
	tick   atomic.Uint32 // counts sweeps, from 1

	mu       sync.RWMutex
	serving  bool
	began    chan struct{} // closed when Serve has begun
	handler  Handler
	sessions map[i2p.Hash]*link
	groups   map[netip.Prefix]int // sessions by network
	dials    map[i2p.Hash]*dial
	backoffs map[i2p.Hash]backoff
	history  history
	bans     banTable
	victims  [][]i2p.Hash  // the first to go when the table is full, by transport
	listed   time.Time     // when victims was made
	wake     chan struct{} // a dial was queued
	queue    []*dial       // dials that wait for a turn, oldest first
	foreign  []*dial       // the same, for messages of others

	foreignDials int // that run
	pendingBytes int // the memory of all that waits for dials
}

// New returns a Mux that does not serve yet.
func New(cfg Config, deps Deps) (*Mux, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Lookup == nil {
		return nil, errors.New("transport: Lookup is missing")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mux{
		cfg:      cfg.withDefaults(),
		deps:     deps,
		log:      deps.Logger,
		seed:     maphash.MakeSeed(),
		sessions: make(map[i2p.Hash]*link),
		groups:   make(map[netip.Prefix]int),
		dials:    make(map[i2p.Hash]*dial),
		backoffs: make(map[i2p.Hash]backoff),
		history:  make(history),
		bans:     make(banTable),
		wake:     make(chan struct{}, 1),
		began:    make(chan struct{}),
	}
	m.tick.Store(1)
	for _, t := range deps.Transports {
		m.styles = append(m.styles, &style{transport: t, name: t.Style(), limit: m.cfg.limit(t.Style())})
	}
	styleOrder(m.styles)
	return m, nil
}

// Serve runs the transports and the dials until ctx ends or a transport fails.
func (m *Mux) Serve(ctx context.Context, h Handler) error {
	if !m.start(h) {
		return errors.New("transport: Serve was called before")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for i, t := range m.deps.Transports {
		running.Go(func() {
			if err := t.Serve(ctx, registry{m, i}); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("transport: serve %s: %w", t.Style(), err))
			}
		})
	}
	running.Go(func() { m.dialLoop(ctx) })
	running.Go(func() { m.sweepLoop(ctx) })
	<-ctx.Done()
	m.stop()
	running.Wait()
	m.abandonDials(ErrClosed)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (m *Mux) start(h Handler) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handler != nil {
		return false
	}
	m.handler, m.serving = h, true
	close(m.began)
	return true
}

// Began is closed when Serve has begun: messages sent before are dropped.
func (m *Mux) Began() <-chan struct{} { return m.began }

func (m *Mux) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serving = false
}

// Send moves messages to a peer. It never blocks: without a session it starts a dial and queues them. What does
// not fit, the newest, is dropped and counted. The slice is not kept.
func (m *Mux) Send(to i2p.Hash, msgs ...*buf.Buf) { m.send(to, false, msgs) }

// Forward is Send for the messages of others, and for answers to them. Strangers choose to whom those go: what they make
// us dial gets no more than half of the dials and of the memory, and waits for ours; the sessions leave places for ours.
func (m *Mux) Forward(to i2p.Hash, msgs ...*buf.Buf) { m.send(to, true, msgs) }

func (m *Mux) send(to i2p.Hash, foreign bool, msgs []*buf.Buf) {
	if len(msgs) == 0 {
		return
	}
	m.mu.RLock()
	l := m.sessions[to]
	var s Session
	if l != nil {
		s = l.used()
		if tick := m.tick.Load(); !foreign && l.wanted.Load() != tick {
			l.wanted.Store(tick)
		}
	}
	m.mu.RUnlock()
	if s == nil {
		m.sendByDial(to, foreign, msgs)
		return
	}
	if n := s.Send(msgs); n < len(msgs) {
		m.c.dropSessionFull.Add(uint64(len(msgs) - n))
	}
}

// Connect returns when there is a session with the peer, dialling it if needed. It returns ErrBackoff, ErrBusy,
// ErrRefused, ErrSelf or ErrClosed at once, or the error of the dial.
func (m *Mux) Connect(ctx context.Context, to i2p.Hash) error {
	m.mu.Lock()
	if l := m.sessions[to]; l != nil {
		l.wanted.Store(m.tick.Load())
		m.mu.Unlock()
		return nil
	}
	d, err := m.dialLocked(to, false)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Want opens a session with the peer as soon as it can be, and does not wait for it.
func (m *Mux) Want(peer i2p.Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[peer] == nil {
		m.dialLocked(peer, false) // an error means that there will be none now
	}
}

// Connected reports whether there is a session with the peer.
func (m *Mux) Connected(to i2p.Hash) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.sessions[to] != nil
}

// Disconnect closes the session with a peer, if any.
func (m *Mux) Disconnect(peer i2p.Hash, reason Reason) {
	m.mu.Lock()
	l := m.takeLocked(peer)
	m.mu.Unlock()
	if l == nil {
		return
	}
	for _, e := range l.open {
		e.session.Close(reason)
	}
}

// Addresses are the RouterAddresses of all transports, to be published.
func (m *Mux) Addresses() []i2p.RouterAddress {
	var all []i2p.RouterAddress
	for _, t := range m.deps.Transports {
		all = append(all, t.Addresses()...)
	}
	return all
}

// Reachable reports whether one of the transports could dial the router, and whether it is not banned.
func (m *Mux) Reachable(ri *i2p.RouterInfo) bool {
	m.mu.RLock()
	banned := m.bans.banned(ri.Hash(), time.Now())
	m.mu.RUnlock()
	if banned {
		return false
	}
	for _, t := range m.deps.Transports {
		if t.Reachable(ri) {
			return true
		}
	}
	return false
}

// Sessions describes all sessions, in no order.
func (m *Mux) Sessions() []SessionStatus {
	var all []SessionStatus
	for _, s := range m.open() {
		all = append(all, s.Status())
	}
	return all
}

func (m *Mux) open() []Session {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]Session, 0, len(m.sessions))
	for _, l := range m.sessions {
		for _, e := range l.open {
			all = append(all, e.session)
		}
	}
	return all
}

// sweepLoop closes what is idle or was kept for a while only.
func (m *Mux) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if m.tick.Add(1)%relentTicks == 0 {
			for _, st := range m.styles {
				st.relent()
			}
		}
		now := time.Now()
		idle, spare := m.takeOver(now)
		for _, s := range idle {
			s.Close(ReasonIdle)
		}
		for _, s := range spare {
			s.Close(ReasonNormal)
		}
		m.forget(now)
	}
}
