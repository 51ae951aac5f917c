package transit

import (
	"sync"
	"time"

	"clove.i2p/router/i2p"
)

// buckets are token buckets, one per peer that asked lately.
type buckets struct {
	rate  float64 // per second
	burst float64

	mu    sync.Mutex
	peers map[i2p.Hash]tokens
}

type tokens struct {
	n  float64
	at time.Time
}

func newBuckets(rate float64, burst int) *buckets {
	return &buckets{rate: rate, burst: float64(burst), peers: make(map[i2p.Hash]tokens)}
}

// allow takes a token of peer if there is one.
func (b *buckets) allow(peer i2p.Hash, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.peers[peer]
	if !ok {
		if len(b.peers) >= maxPeers {
			for other := range b.peers { // a random one
				delete(b.peers, other)
				break
			}
		}
		k = tokens{b.burst, now}
	}
	k = b.refill(k, now)
	ok = k.n >= 1
	if ok {
		k.n--
	}
	b.peers[peer] = k
	return ok
}

func (b *buckets) refill(k tokens, now time.Time) tokens {
	if d := now.Sub(k.at); d > 0 {
		k.n = min(k.n+d.Seconds()*b.rate, b.burst)
	}
	k.at = now
	return k
}

// sweep forgets the full ones: they say no more than none.
func (b *buckets) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for peer, k := range b.peers {
		if b.refill(k, now).n >= b.burst {
			delete(b.peers, peer)
		}
	}
}
