package datagram

import (
	"sync"
	"time"

	"clove.i2p/router/i2p"
)

// peers notices those that do not answer. Datagrams have no acknowledgements: all that tells that a path is dead, or
// that a peer has restarted and lost its sessions, is its silence.
type peers struct {
	mu    sync.Mutex
	known map[i2p.Hash]*exchange
}

// exchange is what went to a peer since it was heard.
type exchange struct {
	last       time.Time // that anything went or came
	unanswered int
	since      time.Time // the first of them
}

func newPeers() peers { return peers{known: make(map[i2p.Hash]*exchange)} }

// sent counts a packet to a peer, and reports whether it is time to try another path.
func (p *peers) sent(to i2p.Hash, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.known[to]
	if e == nil {
		if len(p.known) >= maxPeers {
			return false // paths end by themselves, later
		}
		e = new(exchange)
		p.known[to] = e
	}
	e.last = now
	if e.unanswered == 0 {
		e.since = now
	}
	e.unanswered++
	if e.unanswered < silentPackets || now.Sub(e.since) < silence {
		return false
	}
	e.unanswered = 0
	return true
}

// heard notes that something came from a peer.
func (p *peers) heard(from i2p.Hash, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[from]; e != nil {
		e.last, e.unanswered = now, 0
	}
}

func (p *peers) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h, e := range p.known {
		if now.Sub(e.last) >= peerIdle {
			delete(p.known, h)
		}
	}
}
