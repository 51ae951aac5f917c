package pool

import (
	"math/rand/v2"
	"slices"
	"time"

	"clove.i2p/router/i2p"
)

// Outbound chooses the outbound tunnels in turn, those that failed a test or are about to expire last. It reports
// false if there is none.
func (p *Pool) Outbound() (*Tunnel, bool) { return p.choose(Outbound) }

// Inbound chooses an inbound tunnel for a reply, by the same rule.
func (p *Pool) Inbound() (*Tunnel, bool) { return p.choose(Inbound) }

func (p *Pool) choose(d Direction) (*Tunnel, bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[d]++
	var best *Tunnel
	bestRank := 0
	side := p.tunnels[d]
	for i := range side {
		t := side[(i+p.next[d])%len(side)]
		if !t.Alive(now) {
			continue
		}
		rank := 1
		if t.failures.Load() == 0 {
			rank++
		}
		if t.Expires().Sub(now) > retire {
			rank += 2
		}
		if !t.broken() {
			rank += 4
		}
		if rank > bestRank {
			best, bestRank = t, rank
		}
	}
	return best, best != nil
}

// Leases of the inbound tunnels that are alive, the latest to expire first, at most MaxQuantity.
func (p *Pool) Leases() []i2p.Lease {
	now := time.Now()
	var leases []i2p.Lease
	for _, t := range p.alive(Inbound, now) {
		if t.Expires().Sub(now) > retire+leaseMargin && t.failures.Load() < testFailures {
			leases = append(leases, t.lease(p.clock.Offset()))
		}
	}
	slices.SortFunc(leases, func(a, b i2p.Lease) int { return b.End.Compare(a.End) })
	return leases[:min(len(leases), MaxQuantity)]
}

func (p *Pool) alive(d Direction, now time.Time) []*Tunnel {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*Tunnel
	for _, t := range p.tunnels[d] {
		if t.Alive(now) {
			out = append(out, t)
		}
	}
	return out
}

func (p *Pool) shuffle(ts []*Tunnel) {
	rand.Shuffle(len(ts), func(i, j int) { ts[i], ts[j] = ts[j], ts[i] })
}
