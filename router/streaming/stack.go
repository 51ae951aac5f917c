package streaming

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
)

// A Stack is the streaming protocol of one destination. It is safe for concurrent use. Run has to be running for
// anything but Stats and Deliver to work.
type Stack struct {
	cfg      Config
	keys     *i2p.DestinationKeys
	hash     i2p.Hash
	carrier  Carrier
	batch    BatchCarrier // carrier, if it is one
	rerouter Rerouter     // the same
	clk      *clock.Clock
	log      *slog.Logger
	synRoom  int // payload of a SYN

	epoch   time.Time
	timers  timers
	stats   stats
	reaches chan reachRequest
	stopped chan struct{}

	mu        sync.Mutex // a leaf, but for timers
	ended     bool
	conns     map[StreamID]*Conn
	incoming  map[incomingKey]*Conn
	halfOpen  map[StreamID]*Conn // by the id of the opener, who does not know ours yet
	listeners map[uint16]*Listener
	peers     map[i2p.Hash]*peer
	counted   int // connections to us
	early     []earlyPacket
	closed    closedStreams
	opens     bucket // new connections of all peers
	checks    bucket // of signatures
	pongs     bucket
	pings     map[StreamID]chan<- struct{}
}

// New returns the Stack of the destination of keys. It starts nothing.
func New(cfg Config, keys *i2p.DestinationKeys, carrier Carrier, clk *clock.Clock, log *slog.Logger) (*Stack, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if keys == nil || carrier == nil || clk == nil || log == nil {
		return nil, errors.New("streaming: keys, carrier, clock and logger are needed")
	}
	if cfg.NewController == nil {
		cfg.NewController = NewCubic
	}
	s := &Stack{
		cfg: cfg, keys: keys, hash: keys.Destination.Hash(), carrier: carrier, clk: clk, log: log,
		epoch: time.Now(), timers: newTimers(),
		reaches: make(chan reachRequest, reachQueue), stopped: make(chan struct{}),
		conns: map[StreamID]*Conn{}, incoming: map[incomingKey]*Conn{}, halfOpen: map[StreamID]*Conn{},
		listeners: map[uint16]*Listener{}, peers: map[i2p.Hash]*peer{}, pings: map[StreamID]chan<- struct{}{},
	}
	s.batch, _ = carrier.(BatchCarrier)
	s.rerouter, _ = carrier.(Rerouter)
	s.synRoom = buf.Small - headerLen - i2p.HashLen - len(keys.Destination.Bytes()) - 2 - s.signatureLen()
	if s.synRoom < 0 {
		return nil, errors.New("streaming: destination too long for a SYN")
	}
	return s, nil
}

// now is the time since epoch, which is not 0: that means none.
func (s *Stack) now() time.Duration { return time.Since(s.epoch) + time.Second }

// Hash is that of the destination.
func (s *Stack) Hash() i2p.Hash { return s.hash }

// Run serves the timers until ctx ends; then all connections and listeners are closed.
func (s *Stack) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range reachWorkers {
		workers.Go(func() { s.reachLoop(ctx) })
	}
	defer workers.Wait()
	defer s.end()
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	var conns []*Conn
	for {
		var next time.Duration
		conns, next = s.timers.due(s.now(), conns[:0])
		for i, c := range conns {
			c.tick(s.now())
			conns[i] = nil
		}
		if len(conns) > 0 {
			continue
		}
		if next == 0 {
			t.Reset(time.Hour)
		} else {
			t.Reset(next - s.now())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.timers.wake:
		case <-t.C:
		}
	}
}

// end closes everything.
func (s *Stack) end() {
	s.mu.Lock()
	s.ended = true
	close(s.stopped)
	var conns []*Conn
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	var listeners []*Listener
	for _, l := range s.listeners {
		listeners = append(listeners, l)
	}
	s.dropEarly(func(earlyPacket) bool { return true })
	s.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
	for _, c := range conns {
		c.abort(net.ErrClosed)
	}
}

// transmit gives packets to the Carrier.
func (s *Stack) transmit(to i2p.Hash, p Ports, out []*buf.Buf) error {
	if len(out) == 0 {
		return nil
	}
	if s.batch != nil {
		return s.batch.SendBatch(to, p, out)
	}
	var failed error
	for _, b := range out {
		if err := s.carrier.Send(to, p, b); err != nil {
			failed = err
		}
	}
	return failed
}

func (s *Stack) rerouteTo(to i2p.Hash) {
	s.stats.reroutes.Add(1)
	if s.rerouter != nil {
		s.rerouter.Reroute(to)
	}
}

// add puts c into the tables; false if its id is taken or the Stack has ended.
func (s *Stack) add(c *Conn) bool {
	if _, taken := s.conns[c.id]; taken || s.ended {
		return false
	}
	s.conns[c.id] = c
	return true
}

// forget takes c out of the tables.
func (s *Stack) forget(c *Conn) {
	s.mu.Lock()
	if s.conns[c.id] == c {
		delete(s.conns, c.id)
	}
	if !c.opener {
		k := incomingKey{c.hash, c.peer}
		if s.incoming[k] == c {
			delete(s.incoming, k)
			s.closed.add(k, s.now())
		}
		if s.halfOpen[c.peer] == c {
			delete(s.halfOpen, c.peer)
		}
	}
	s.mu.Unlock()
	s.uncount(c)
	s.timers.forget(c)
}

// uncount lets another connection to us take the place of c.
func (s *Stack) uncount(c *Conn) {
	if !c.counted {
		return
	}
	c.counted = false
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted--
	if p := s.peers[c.hash]; p != nil {
		p.conns--
	}
}
