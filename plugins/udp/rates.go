package main

import (
	"sync"
	"time"

	"clove.i2p/plugins/visitors"
)

// rates bounds datagrams per second, of each peer and of all; a second's worth may come at once.
type rates struct {
	mu        sync.Mutex
	per, most int // 0: no limit
	total     bucket
	peers     *visitors.Table[bucket]
}

// ratedPeers bounds those whose rates are kept; one that makes room and comes back has a full bucket.
const ratedPeers = 1024

// bucket is what may still come.
type bucket struct {
	left float64
	last time.Time
}

func (b *bucket) fill(rate int, now time.Time) {
	if b.last.IsZero() {
		b.left = float64(rate)
	} else if d := now.Sub(b.last); d > 0 {
		b.left = min(b.left+d.Seconds()*float64(rate), float64(rate))
	}
	b.last = now
}

func newRates(s serverSettings) *rates {
	r := &rates{peers: visitors.NewTable[bucket](ratedPeers, nil)}
	r.set(s)
	return r
}

func (r *rates) set(s serverSettings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.per, r.most = s.PeerPackets, s.TotalPackets
}

// allow counts one datagram; false if it is too many. What is refused does not count.
func (r *rates) allow(p visitors.Peer, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.most > 0 {
		if r.total.fill(r.most, now); r.total.left < 1 {
			return false
		}
	}
	if r.per > 0 {
		b := r.peers.Get(p)
		if b.fill(r.per, now); b.left < 1 {
			return false
		}
		b.left--
	}
	if r.most > 0 {
		r.total.left--
	}
	return true
}
