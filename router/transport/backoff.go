package transport

import (
	"time"

	"clove.i2p/router/i2p"
)

// A backoff keeps a peer from being dialled again at once.
type backoff struct {
	failures int
	until    time.Time
}

// backOffLocked makes the next dial of a peer wait. What is our own fault says nothing about the peer, and makes it wait for the
// least time, however often.
func (m *Mux) backOffLocked(peer i2p.Hash, own bool, now time.Time) {
	if len(m.backoffs) >= maxBackoffs {
		m.forgetLocked(now, true)
	}
	b := m.backoffs[peer]
	if own {
		m.backoffs[peer] = backoff{failures: b.failures, until: now.Add(m.cfg.BackoffMin)}
		return
	}
	pause := m.cfg.BackoffMax
	if b.failures < 20 {
		pause = min(pause, m.cfg.BackoffMin<<b.failures)
	}
	m.backoffs[peer] = backoff{failures: b.failures + 1, until: now.Add(pause)}
}

// forget forgets failures that are older than twice the longest pause, and what is old of the other tables.
func (m *Mux) forget(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetLocked(now, false)
	m.history.forget(now, false)
	m.bans.forget(now)
}

func (m *Mux) forgetLocked(now time.Time, room bool) {
	n := 0
	for peer, b := range m.backoffs {
		if now.Sub(b.until) > m.cfg.BackoffMax || room && n < maxBackoffs/4 {
			delete(m.backoffs, peer)
			n++
		}
	}
}
