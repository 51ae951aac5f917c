package simnet

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
)

// A Receiver takes the packets of a station; *streaming.Stack is one.
type Receiver interface {
	DeliverBatch(p streaming.Ports, bs []*buf.Buf)
}

// Network connects stations.
type Network struct {
	mu       sync.Mutex
	rnd      *rand.Rand
	stations map[i2p.Hash]*Station
	queue    arrivals
	count    uint64
	wake     chan struct{}
	ended    bool
}

// New returns an empty network whose chances come from seed.
func New(seed uint64) *Network {
	return &Network{
		rnd: rand.New(rand.NewPCG(seed, 1)), stations: map[i2p.Hash]*Station{}, wake: make(chan struct{}, 1),
	}
}

// ErrUnknown is that of a destination that never joined.
var ErrUnknown = errors.New("simnet: unknown destination")

// A Station is one destination on the network: the streaming.Carrier of its Stack.
type Station struct {
	net  *Network
	hash i2p.Hash
	to   Receiver
	out  wire
	mtu  int

	unreachable bool
	Counts      Counts
}

// Counts of a station; read them with Station.Count.
type Counts struct {
	Sent, Dropped, Delivered int
	Reaches, Fresh, Reroutes int
}

var (
	_ streaming.BatchCarrier = (*Station)(nil)
	_ streaming.Carrier      = (*Station)(nil)
	_ streaming.Rerouter     = (*Station)(nil)
)

// Join adds a destination whose packets leave by link.
func (n *Network) Join(h i2p.Hash, link Link) *Station {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &Station{net: n, hash: h, out: wire{Link: link}, mtu: streaming.MTURatchet}
	n.stations[h] = s
	return s
}

// Attach says who takes what arrives; without, packets are dropped.
func (s *Station) Attach(r Receiver) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.to = r
}

// SetLink changes the link for packets sent from now on.
func (s *Station) SetLink(l Link) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.out.Link = l
}

// SetReachable makes Send and Reach to this station fail or work.
func (s *Station) SetReachable(ok bool) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.unreachable = !ok
}

// Count returns the counters.
func (s *Station) Count() Counts {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	return s.Counts
}

// Reach knows every station.
func (s *Station) Reach(ctx context.Context, to i2p.Hash, fresh bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.Counts.Reaches++
	if fresh {
		s.Counts.Fresh++
	}
	if t := s.net.stations[to]; t == nil || t.unreachable {
		return ErrUnknown
	}
	return nil
}

// MTU is that of the other station.
func (s *Station) MTU(to i2p.Hash) int {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if t := s.net.stations[to]; t != nil {
		return t.mtu
	}
	return streaming.MTU
}

// Reroute counts.
func (s *Station) Reroute(i2p.Hash) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.Counts.Reroutes++
}

// Send sends one packet.
func (s *Station) Send(to i2p.Hash, p streaming.Ports, b *buf.Buf) error {
	return s.SendBatch(to, p, []*buf.Buf{b})
}

// SendBatch sends several.
func (s *Station) SendBatch(to i2p.Hash, p streaming.Ports, bs []*buf.Buf) error {
	n := s.net
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.stations[to]
	if t == nil || t.unreachable {
		for _, b := range bs {
			b.Release()
		}
		return ErrUnknown
	}
	now := time.Now()
	for _, b := range bs {
		s.send(t, p, b, now)
	}
	return nil
}

func (s *Station) send(t *Station, p streaming.Ports, b *buf.Buf, now time.Time) {
	n := s.net
	s.Counts.Sent++
	if n.ended || s.out.drops(b.Bytes(), n.rnd) {
		s.Counts.Dropped++
		b.Release()
		return
	}
	at, ok := s.out.arrival(now, b.Len(), n.rnd)
	if !ok {
		s.Counts.Dropped++
		b.Release()
		return
	}
	if s.out.Duplicate > 0 && n.rnd.Float64() < s.out.Duplicate {
		n.push(arrival{at: at, to: t, ports: p, b: buf.From(b.Bytes())})
	}
	n.push(arrival{at: at, to: t, ports: p, b: b})
}

func (n *Network) push(a arrival) {
	n.count++
	a.order = n.count
	heap.Push(&n.queue, a)
	if n.queue[0].order == a.order {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// Run delivers packets until ctx ends.
func (n *Network) Run(ctx context.Context) error {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	var batch []*buf.Buf
	for {
		to, ports, next, some := n.due(batch[:0])
		batch = some
		if len(batch) > 0 {
			if to == nil {
				for _, b := range batch {
					b.Release()
				}
				continue
			}
			to.DeliverBatch(ports, batch)
			continue
		}
		t.Reset(next)
		select {
		case <-ctx.Done():
			n.drain()
			return ctx.Err()
		case <-n.wake:
		case <-t.C:
		}
	}
}

// due takes what has arrived for the first station in the queue; if nothing has, next is how long to wait.
func (n *Network) due(batch []*buf.Buf) (to Receiver, p streaming.Ports, next time.Duration, _ []*buf.Buf) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		return nil, p, time.Hour, batch
	}
	now := time.Now()
	first := n.queue[0]
	if first.at.After(now) {
		return nil, p, first.at.Sub(now), batch
	}
	for len(n.queue) > 0 {
		a := n.queue[0]
		if a.at.After(now) || a.to != first.to || a.ports != first.ports {
			break
		}
		heap.Pop(&n.queue)
		batch = append(batch, a.b)
		a.to.Counts.Delivered++
	}
	return first.to.to, first.ports, 0, batch
}

func (n *Network) drain() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.queue {
		a.b.Release()
	}
	n.queue = nil
	n.ended = true
}

// arrival is a packet on its way.
type arrival struct {
	at    time.Time
	order uint64
	to    *Station
	ports streaming.Ports
	b     *buf.Buf
}

type arrivals []arrival

func (q arrivals) Len() int { return len(q) }
func (q arrivals) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}
func (q arrivals) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *arrivals) Push(x any)   { *q = append(*q, x.(arrival)) }
func (q *arrivals) Pop() any {
	old := *q
	a := old[len(old)-1]
	old[len(old)-1] = arrival{}
	*q = old[:len(old)-1]
	return a
}
