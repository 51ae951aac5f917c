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
	patience   time.Duration
}

func newPeers() peers { return peers{known: make(map[i2p.Hash]*exchange)} }

// sent counts a packet to a peer, and reports whether it is time to look for it anew. Whoever never answers, as with a
// stream of packets in one direction, is looked for less and less often.
func (p *peers) sent(to i2p.Hash, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.known[to]
	if e == nil {
		if len(p.known) >= maxPeers {
			return false // paths end by themselves, later
		}
		e = &exchange{patience: silence}
		p.known[to] = e
	}
	e.last = now
	if e.unanswered == 0 {
		e.since = now
	}
	e.unanswered++
	if e.unanswered < silentPackets || now.Sub(e.since) < e.patience {
		return false
	}
	e.unanswered = 0
	e.patience = min(2*e.patience, maxSilence)
	return true
}

// heard notes that something came from a peer.
func (p *peers) heard(from i2p.Hash, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[from]; e != nil {
		e.last, e.unanswered, e.patience = now, 0, silence
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
