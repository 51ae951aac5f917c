package transport

import (
	"errors"
	"time"

	"clove.i2p/router/i2p"
)

// A backoff keeps a peer from being dialled again at once.
type backoff struct {
	failures int // of dials
	lookups  int // that found no RouterInfo, since the last dial
	until    time.Time
}

// A cause is what made a dial fail.
type cause uint8

const (
	causePeer cause = iota
	causeOwn
	causeLookup
)

func causeOf(err error) cause {
	switch {
	case isOurOwn(err):
		return causeOwn
	case errors.Is(err, errLookup):
		return causeLookup
	}
	return causePeer
}

// backOffLocked makes the next dial of a peer wait. What is our own fault says nothing about the peer, and makes it wait for the
// least time, however often. Nor does a lookup that finds nothing: the wait for the next one grows, but is short, as the RouterInfo
// may come by another way, and does not count once the peer is dialled.
func (m *Mux) backOffLocked(peer i2p.Hash, c cause, now time.Time) {
	if len(m.backoffs) >= maxBackoffs {
		m.forgetLocked(now, true)
	}
	b, pause := m.backoffs[peer], m.cfg.BackoffMin
	switch c {
	case causePeer:
		pause = m.pause(b.failures, m.cfg.BackoffMax)
		b.failures, b.lookups = b.failures+1, 0
	case causeLookup:
		pause = m.pause(b.lookups, max(m.cfg.BackoffMin, min(m.cfg.BackoffMax, maxLookupPause)))
		b.lookups++
	}
	b.until = now.Add(pause)
	m.backoffs[peer] = b
}

// pause doubles with each of n failures before, up to most.
func (m *Mux) pause(n int, most time.Duration) time.Duration {
	if n >= 20 {
		return most
	}
	return min(most, m.cfg.BackoffMin<<n)
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
