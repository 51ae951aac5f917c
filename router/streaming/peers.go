package streaming

import (
	"time"

	"clove.i2p/router/i2p"
)

// peer is what is known of a destination beyond its connections.
type peer struct {
	conns int // to us
	opens bucket

	// The estimates of the last connection, for the next one (Control Block Sharing). They never leave the Stack:
	// other destinations of this router do not see them.
	shared             time.Duration // when, 0 if never
	smoothed, variance time.Duration
	window             int
	java               bool
}

// peer returns the entry of a destination. Those with connections to us stay, and MaxConns bounds them. s.mu is held.
func (s *Stack) peer(h i2p.Hash) *peer {
	if p := s.peers[h]; p != nil {
		return p
	}
	if len(s.peers) >= maxPeers {
		for h, p := range s.peers {
			if p.conns == 0 {
				delete(s.peers, h)
				break
			}
		}
	}
	p := new(peer)
	s.peers[h] = p
	return p
}

// share keeps the estimates of a connection that ends.
func (s *Stack) share(c *Conn) {
	if !c.rtt.known() || c.rtt.least == 0 {
		return
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(c.hash)
	p.shared = now
	p.smoothed, p.variance = c.rtt.smoothed, c.rtt.variance
	p.window = c.control.Window()
	p.java = c.choked.java
}

// seed starts a connection with the estimates of an earlier one.
func (p *peer) seed(c *Conn, now time.Duration) {
	if p.shared == 0 || now-p.shared > shareTime {
		return
	}
	c.rtt.seed(p.smoothed, max(p.variance, p.smoothed/4))
	c.control.Seed(max(initialWindow, min(p.window*3/4, sharedWindow)))
	if p.java {
		c.choked.java = true
		c.choked.span = javaSpan
	}
}

// bucket limits a rate.
type bucket struct {
	spent float64
	last  time.Duration
}

// take takes one token of a bucket that gets rate of them a second, and holds burst.
func (b *bucket) take(now time.Duration, rate, burst float64) bool {
	b.spent = max(0, b.spent-rate*(now-b.last).Seconds())
	b.last = now
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}

// closedStreams remembers streams that ended, the last maxClosed.
type closedStreams struct {
	at   map[incomingKey]time.Duration
	ring []incomingKey
	next int
}

func (s *closedStreams) add(k incomingKey, now time.Duration) {
	if s.at == nil {
		s.at = map[incomingKey]time.Duration{}
	}
	if _, known := s.at[k]; known {
		s.at[k] = now
		return
	}
	if len(s.ring) < maxClosed {
		s.ring = append(s.ring, k)
	} else {
		delete(s.at, s.ring[s.next])
		s.ring[s.next] = k
		s.next = (s.next + 1) % maxClosed
	}
	s.at[k] = now
}

func (s *closedStreams) has(k incomingKey, now time.Duration) bool {
	at, known := s.at[k]
	return known && now-at < closedTime
}
