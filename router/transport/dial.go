package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// A dial is one attempt to open a session, and what waits for it.
type dial struct {
	to      i2p.Hash
	pending []*buf.Buf
	bytes   int           // the memory of pending
	done    chan struct{} // closed with err set
	err     error
}

// A backoff keeps a peer from being dialled again at once.
type backoff struct {
	failures int
	until    time.Time
}

// sendByDial queues messages with a dial, which it starts if needed.
func (m *Mux) sendByDial(to i2p.Hash, msgs []*buf.Buf) {
	m.mu.Lock()
	if l := m.sessions[to]; l != nil { // opened in the meantime
		s := l.session
		m.mu.Unlock()
		if n := s.Send(msgs); n < len(msgs) {
			m.c.dropSessionFull.Add(uint64(len(msgs) - n))
		}
		return
	}
	d, err := m.dialLocked(to)
	took := 0
	if err == nil {
		took = m.pendLocked(d, msgs)
	}
	m.mu.Unlock()
	if err != nil {
		m.c.dropNoSession.Add(uint64(len(msgs)))
	} else {
		m.c.dropPendingFull.Add(uint64(len(msgs) - took))
	}
	release(msgs[took:])
}

// pendLocked lets messages wait for a dial, and returns how many fit.
func (m *Mux) pendLocked(d *dial, msgs []*buf.Buf) int {
	for i, b := range msgs {
		size := b.Footprint()
		if len(d.pending) == m.cfg.MaxPendingMessages || m.pendingBytes+size > maxPendingBytes {
			return i
		}
		d.pending = append(d.pending, b)
		d.bytes += size
		m.pendingBytes += size
	}
	return len(msgs)
}

// dialLocked returns the dial that is under way or a new one.
func (m *Mux) dialLocked(to i2p.Hash) (*dial, error) {
	if d := m.dials[to]; d != nil {
		return d, nil
	}
	switch {
	case !m.serving:
		return nil, ErrClosed
	case to == m.cfg.Self:
		return nil, ErrSelf
	case time.Now().Before(m.backoffs[to].until):
		return nil, ErrBackoff
	case len(m.queue) >= m.cfg.MaxPendingDials || len(m.sessions) >= m.cfg.MaxSessions:
		return nil, ErrBusy
	}
	d := &dial{to: to, done: make(chan struct{})}
	m.dials[to] = d
	m.queue = append(m.queue, d)
	select {
	case m.wake <- struct{}{}:
	default: // the loop is awake already
	}
	return d, nil
}

// dialLoop starts dials, oldest first, at most MaxDials at once.
func (m *Mux) dialLoop(ctx context.Context) {
	turns := make(chan struct{}, m.cfg.MaxDials)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		d := m.nextDial()
		if d == nil {
			select {
			case <-ctx.Done():
				return
			case <-m.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
		running.Go(func() {
			m.run(ctx, d)
			<-turns
		})
	}
}

func (m *Mux) nextDial() *dial {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) > 0 {
		d := m.queue[0]
		m.queue[0] = nil
		m.queue = m.queue[1:]
		if m.dials[d.to] == d { // else the peer opened a session first
			return d
		}
	}
	m.queue = nil
	return nil
}

// run makes one dial and tells everybody how it went.
func (m *Mux) run(ctx context.Context, d *dial) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.DialTimeout)
	defer cancel()
	m.c.dials.Add(1)
	err := m.attempt(ctx, d.to)
	if err == nil {
		return // registry.Opened has finished the dial
	}
	m.c.dialFailures.Add(1)
	m.mu.Lock()
	current := m.dials[d.to] == d
	if current {
		m.backOffLocked(d.to, time.Now())
		m.finishLocked(d, err)
	}
	m.mu.Unlock()
	if !current {
		return // the peer opened a session while ours failed
	}
	m.c.dropDialFailed.Add(uint64(len(d.pending)))
	release(d.pending)
	if m.deps.Admission != nil && ctx.Err() != context.Canceled && !isOurOwn(err) {
		m.deps.Admission.Failed(d.to, err)
	}
	m.log.Debug("dial failed", "peer", d.to, "cause", err)
}

// attempt tries the transports in turn.
func (m *Mux) attempt(ctx context.Context, to i2p.Hash) error {
	if m.deps.Admission != nil && !m.deps.Admission.Admit(to) {
		return ErrRefused
	}
	ri, err := m.deps.Lookup(ctx, to)
	if err != nil {
		return fmt.Errorf("transport: look up %s: %w", to.Short(), err)
	}
	if ri.Hash() != to {
		return fmt.Errorf("transport: look up %s: RouterInfo of another router", to.Short())
	}
	err = ErrNoAddress
	for _, t := range m.deps.Transports {
		if !t.Reachable(ri) {
			continue
		}
		if _, err = t.Dial(ctx, ri); err == nil {
			return nil
		}
		if ctx.Err() != nil || m.Connected(to) {
			break
		}
	}
	return fmt.Errorf("transport: dial %s: %w", to.Short(), err)
}

// finishLocked ends a dial. Nothing is appended to d.pending any more.
func (m *Mux) finishLocked(d *dial, err error) {
	delete(m.dials, d.to)
	m.pendingBytes -= d.bytes
	d.err = err
	close(d.done)
}

// flush moves what waited for a dial to the session.
func (m *Mux) flush(d *dial, s Session) {
	if len(d.pending) == 0 {
		return
	}
	if n := s.Send(d.pending); n < len(d.pending) {
		m.c.dropSessionFull.Add(uint64(len(d.pending) - n))
	}
	d.pending = nil
}

// abandonDials ends the dials that never got a turn.
func (m *Mux) abandonDials(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.dials {
		m.finishLocked(d, err)
		m.c.dropDialFailed.Add(uint64(len(d.pending)))
		release(d.pending)
	}
	m.queue = nil
}

func (m *Mux) backOffLocked(peer i2p.Hash, now time.Time) {
	if len(m.backoffs) >= maxBackoffs {
		m.forgetLocked(now, true)
	}
	b := m.backoffs[peer]
	pause := m.cfg.BackoffMax
	if b.failures < 20 {
		pause = min(pause, m.cfg.BackoffMin<<b.failures)
	}
	m.backoffs[peer] = backoff{failures: b.failures + 1, until: now.Add(pause)}
}

// forgetBackoffs forgets failures that are older than twice the longest pause.
func (m *Mux) forgetBackoffs(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetLocked(now, false)
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

func release(msgs []*buf.Buf) {
	for _, b := range msgs {
		b.Release()
	}
}
