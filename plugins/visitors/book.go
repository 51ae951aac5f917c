package visitors

import (
	"sync"
	"time"
)

// Limits of a tunnel. Open counts connections at a time, the rates count requests; 0 is no limit.
type Limits struct {
	PeerOpen, TotalOpen int
	Peer, Total         Rate
}

// Verdict on a connection or a request.
type Verdict int

// What Open and Request answer.
const (
	Welcome   Verdict = iota
	PeerOpen          // this peer has too many connections
	TotalOpen         // there are too many
	PeerRate          // this peer comes too often
	TotalRate         // all together come too often
)

// Book counts who is here and who came. Its methods may be called at the same time.
type Book struct {
	mu     sync.Mutex
	limits Limits
	open   int
	total  meter
	peers  *Table[visitor]
}

type visitor struct {
	open  int
	meter meter
}

// NewBook returns an empty book.
func NewBook(l Limits) *Book {
	return &Book{limits: l, peers: NewTable(maxPeers, func(v *visitor) bool { return v.open > 0 })}
}

// SetLimits changes the limits for what comes from now on.
func (b *Book) SetLimits(l Limits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = l
}

// Open counts a connection, if it is welcome; leave has to be called once when it ends.
func (b *Book) Open(p Peer) (leave func(), v Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limits.TotalOpen > 0 && b.open >= b.limits.TotalOpen {
		return nil, TotalOpen
	}
	who := b.peers.Get(p)
	if b.limits.PeerOpen > 0 && who.open >= b.limits.PeerOpen {
		return nil, PeerOpen
	}
	who.open++
	b.open++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.peers.Get(p).open--
		b.open--
	}), Welcome
}

// Request counts a request, if it is welcome. Otherwise wait is how long to stay away.
func (b *Book) Request(now time.Time, p Peer) (wait time.Duration, v Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	who := b.peers.Get(p)
	if wait, full := who.meter.full(now, b.limits.Peer); full {
		return wait, PeerRate
	}
	if wait, full := b.total.full(now, b.limits.Total); full {
		return wait, TotalRate
	}
	who.meter.count()
	b.total.count()
	return 0, Welcome
}
