package pool

import (
	"errors"
	"math/rand/v2"
	"time"
)

const sweepInterval = 10 * time.Second

// testPause spreads the tests, and makes the first ones come soon after the tunnels.
func (p *Pool) testPause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, side := range p.tunnels {
		for _, t := range side {
			if t.latency.Load() == 0 && t.failures.Load() == 0 {
				return testFirst
			}
		}
	}
	return testInterval + rand.N(testInterval/4)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// deadline is the earliest time at which something under way ends.
func (p *Pool) deadline(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := now.Add(Lifetime)
	for d := range p.tunnels {
		for _, t := range p.tunnels[d] {
			next = earlier(next, t.Expires())
		}
		for _, a := range p.pending[d] {
			next = earlier(next, a.sent.Add(BuildTimeout))
		}
	}
	for _, t := range p.tests {
		next = earlier(next, t.lost)
	}
	return next
}

// fill starts the builds that a direction lacks and returns when to look again.
func (p *Pool) fill(d Direction, now time.Time) time.Time {
	shape := p.shape(d)
	p.mu.Lock()
	have, next := 0, now.Add(Lifetime)
	for _, t := range p.tunnels[d] {
		if now.Before(t.replace) {
			have++
			next = earlier(next, t.replace)
		}
	}
	need := shape.Quantity - have - len(p.pending[d])
	until := p.backoff[d].until
	p.mu.Unlock()
	if need <= 0 {
		return next
	}
	if now.Before(until) {
		return earlier(next, until)
	}
	for range need {
		if err := p.build(d, now); errors.Is(err, ErrNoTunnel) {
			return earlier(next, now.Add(carrierPause))
		} else if err != nil {
			p.log.Debug("tunnel not built", "direction", d, "err", err)
			p.mu.Lock()
			p.backoff[d].failed(now)
			until = p.backoff[d].until
			p.mu.Unlock()
			return earlier(next, until)
		}
	}
	return next
}

// expireTunnels forgets the tunnels whose time is over.
func (p *Pool) expireTunnels(now time.Time) {
	var over []*Tunnel
	p.mu.Lock()
	for _, side := range p.tunnels {
		for _, t := range side {
			if !t.Alive(now) {
				over = append(over, t)
			}
		}
	}
	p.mu.Unlock()
	for _, t := range over {
		p.remove(t)
	}
}

func (p *Pool) shape(d Direction) Shape {
	if d == Inbound {
		return p.cfg.Inbound
	}
	return p.cfg.Outbound
}

// nudge lets Run look at the schedule now.
func (p *Pool) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // a token is waiting already
	}
}

type backoff struct {
	failures int
	until    time.Time
}

func (b *backoff) failed(now time.Time) {
	b.failures++
	pause := backOffMost
	if b.failures < 8 {
		pause = min(backOffMost, backOffFirst<<(b.failures-1))
	}
	b.until = now.Add(pause)
}
