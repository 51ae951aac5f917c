package pool

import (
	"crypto/rand"
	"slices"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/tunnel"
)

// A test is one message under way: out of an outbound tunnel and in through an inbound one. It is a DeliveryStatus
// in a garlic message under a one-time key, so that no hop can tell it from other traffic.
type test struct {
	in, out    *Tunnel
	sent, lost time.Time
}

// startTests pairs the tunnels at random and sends a message through each pair; with an uneven number, some
// tunnels of the smaller side are tested twice.
func (p *Pool) startTests(now time.Time) {
	in, out := p.alive(Inbound, now), p.alive(Outbound, now)
	if len(in) == 0 || len(out) == 0 {
		return
	}
	p.shuffle(in)
	p.shuffle(out)
	for i := range max(len(in), len(out)) {
		p.startTest(in[i%len(in)], out[i%len(out)], now)
	}
}

func (p *Pool) startTest(in, out *Tunnel, now time.Time) {
	var tag [8]byte
	var key [32]byte
	rand.Read(tag[:])
	rand.Read(key[:])
	id := i2np.NewMessageID()
	status := i2np.Encode(i2np.Header{ID: i2np.NewMessageID(), Expiration: p.clock.Now().Add(testTimeout)},
		i2np.DeliveryStatus{MessageID: id, Timestamp: p.clock.Now()})
	msg := buf.From(status)
	defer msg.Release()
	if garlic.PrependClove(msg, garlic.Local()) != nil || garlic.SealOneTime(key, tag, msg, p.clock.Now()) != nil {
		panic("pool: a test message does not fit its buffer")
	}
	p.owner.AddOneTime(tag, key, p.clock.Now().Add(2*testTimeout))
	p.mu.Lock()
	p.tests[id] = &test{in: in, out: out, sent: now, lost: now.Add(patience(in, out))}
	in.tested, out.tested = now, now
	p.mu.Unlock()
	router, gateway := in.Gateway()
	out.Send(tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: router, Tunnel: gateway}, p.clock.Now(), msg.Bytes())
}

// patience is how long to wait for a test.
func patience(in, out *Tunnel) time.Duration {
	a, b := in.latency.Load(), out.latency.Load()
	if a == 0 || b == 0 {
		return testTimeout
	}
	return min(max(testPatience*time.Duration(max(a, b)), testTimeoutLeast), testTimeout)
}

// Suspect says that messages through a tunnel seem to get lost: it is tested soon.
func (p *Pool) Suspect(t *Tunnel) {
	if t == nil {
		return
	}
	p.mu.Lock()
	p.suspectLocked(t)
	p.mu.Unlock()
	p.nudge()
}

func (p *Pool) suspectLocked(t *Tunnel) {
	if slices.Contains(p.tunnels[t.direction], t) && !slices.Contains(p.suspects, t) {
		p.suspects = append(p.suspects, t)
	}
}

// testSuspects tests them, each with the best partner that there is, and returns when to look again.
func (p *Pool) testSuspects(now time.Time) time.Time {
	var due []*Tunnel
	next := now.Add(Lifetime)
	p.mu.Lock()
	p.suspects = slices.DeleteFunc(p.suspects, func(t *Tunnel) bool {
		if !t.Alive(now) {
			return true
		}
		if at := t.tested.Add(suspicionPause); at.After(now) {
			next = earlier(next, at)
			return false
		}
		due = append(due, t)
		return true
	})
	p.mu.Unlock()
	for _, t := range due {
		partner, ok := p.choose(1 - t.direction)
		if !ok {
			continue
		}
		if t.direction == Inbound {
			p.startTest(t, partner, now)
		} else {
			p.startTest(partner, t, now)
		}
	}
	return next
}

// TestReply takes the message id of a DeliveryStatus that came in through one of the pool's tunnels and reports
// whether it was a test of ours.
func (p *Pool) TestReply(id i2np.MessageID, now time.Time) bool {
	p.mu.Lock()
	t, ok := p.tests[id]
	delete(p.tests, id)
	p.mu.Unlock()
	if !ok {
		return false
	}
	latency := max(now.Sub(t.sent), time.Nanosecond)
	for _, tun := range []*Tunnel{t.in, t.out} {
		tun.failures.Store(0)
		tun.latency.Store(int64(latency))
		p.peers.Tested(tun.hops, true)
	}
	p.stats.testsPassed.Add(1)
	return true
}

// expireTests counts the tests that did not come back and ends tunnels that failed too often. The last tunnel of a
// direction stays until its successor is there: a bad tunnel may still be better than none.
func (p *Pool) expireTests(now time.Time) {
	var late []*test
	p.mu.Lock()
	for id, t := range p.tests {
		if !now.Before(t.lost) {
			late = append(late, t)
			delete(p.tests, id)
		}
	}
	p.mu.Unlock()
	for _, t := range late {
		p.stats.testsFailed.Add(1)
		for _, tun := range []*Tunnel{t.in, t.out} {
			p.peers.Tested(tun.hops, false)
			switch {
			case tun.failures.Add(1) < testFailures:
				p.mu.Lock()
				p.suspectLocked(tun)
				p.mu.Unlock()
			case tun.Alive(now):
				tun.replace = now
				if len(p.alive(tun.direction, now)) > 1 {
					p.remove(tun)
				}
			}
		}
	}
}
