package transport

import (
	"context"
	"errors"
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
	bytes   int  // the memory of pending
	foreign bool // it takes a turn of those for others; does not change once it is started
	wanted  bool // for something of our own
	started bool
	done    chan struct{} // closed with err set
	err     error
}

// isWanted tells whether there is a dial, and it is for something of our own. The lock of the Mux is held.
func (d *dial) isWanted() bool { return d != nil && d.wanted }

// sendByDial queues messages with a dial, which it starts if needed.
func (m *Mux) sendByDial(to i2p.Hash, foreign bool, msgs []*buf.Buf) {
	m.mu.Lock()
	if l := m.sessions[to]; l != nil { // opened in the meantime
		s := l.used()
		m.mu.Unlock()
		if n := s.Send(msgs); n < len(msgs) {
			m.c.dropSessionFull.Add(uint64(len(msgs) - n))
		}
		return
	}
	d, err := m.dialLocked(to, foreign)
	took := 0
	if err == nil {
		took = m.pendLocked(d, foreign, msgs)
	}
	m.mu.Unlock()
	if err != nil {
		m.c.dropNoSession.Add(uint64(len(msgs)))
	} else {
		m.c.dropPendingFull.Add(uint64(len(msgs) - took))
	}
	release(msgs[took:])
}

// dialLocked returns the dial that is under way or a new one. One that waits for others and is wanted for ourselves
// comes forward.
func (m *Mux) dialLocked(to i2p.Hash, foreign bool) (*dial, error) {
	if d := m.dials[to]; d != nil {
		d.wanted = d.wanted || !foreign
		if d.foreign && !foreign && !d.started {
			d.foreign = false
			m.queue = append(m.queue, d)
			m.wakeDialLoop()
		}
		return d, nil
	}
	queue, most := &m.queue, m.cfg.MaxPendingDials
	if foreign {
		queue, most = &m.foreign, (m.cfg.MaxPendingDials+1)/2
	}
	now := time.Now()
	switch {
	case !m.serving:
		return nil, ErrClosed
	case to == m.cfg.Self:
		return nil, ErrSelf
	case m.bans.banned(to, now):
		return nil, ErrRefused
	case now.Before(m.backoffs[to].until):
		return nil, ErrBackoff
	case len(*queue) >= most || !m.anyRoomLocked(foreign, now):
		return nil, ErrBusy
	}
	d := &dial{to: to, foreign: foreign, wanted: !foreign, done: make(chan struct{})}
	m.dials[to] = d
	*queue = append(*queue, d)
	m.wakeDialLoop()
	return d, nil
}

func (m *Mux) wakeDialLoop() {
	select {
	case m.wake <- struct{}{}:
	default: // the loop is awake already
	}
}

// dialLoop starts dials, at most MaxDials at once, oldest first: our own before those for others, who get no more than
// half of them.
func (m *Mux) dialLoop(ctx context.Context) {
	turns := make(chan struct{}, m.cfg.MaxDials)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
		d := m.nextDial()
		for d == nil {
			select {
			case <-ctx.Done():
				return
			case <-m.wake:
			}
			d = m.nextDial()
		}
		running.Go(func() {
			m.run(ctx, d)
			m.ran(d)
			<-turns
		})
	}
}

func (m *Mux) nextDial() *dial {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.popLocked(&m.queue, false); d != nil {
		return d
	}
	if m.foreignDials >= max(m.cfg.MaxDials/2, 1) {
		return nil
	}
	d := m.popLocked(&m.foreign, true)
	if d != nil {
		m.foreignDials++
	}
	return d
}

func (m *Mux) popLocked(queue *[]*dial, foreign bool) *dial {
	for len(*queue) > 0 {
		d := (*queue)[0]
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		if m.dials[d.to] == d && d.foreign == foreign && !d.started { // else the peer opened a session, or it came forward
			d.started = true
			return d
		}
	}
	*queue = nil
	return nil
}

// ran gives the place of a dial for others to the next.
func (m *Mux) ran(d *dial) {
	if !d.foreign {
		return
	}
	m.mu.Lock()
	m.foreignDials--
	m.mu.Unlock()
	m.wakeDialLoop()
}

// run makes one dial and tells everybody how it went.
func (m *Mux) run(ctx context.Context, d *dial) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.DialTimeout)
	defer cancel()
	m.c.dials.Add(1)
	err := m.attempt(context.WithValue(ctx, dialKey{}, d), d)
	if err == nil {
		return // registry.Opened has finished the dial
	}
	m.c.dialFailures.Add(1)
	m.mu.Lock()
	current := m.dials[d.to] == d
	if current {
		m.backOffLocked(d.to, causeOf(err), time.Now())
		m.finishLocked(d, err)
	}
	m.mu.Unlock()
	if !current {
		return // the peer opened a session while ours failed
	}
	m.c.dropDialFailed.Add(uint64(len(d.pending)))
	release(d.pending)
	if m.deps.Peers != nil && ctx.Err() != context.Canceled && !isBlameless(err) {
		m.deps.Peers.Failed(d.to, err)
	}
	m.punish(d.to, err)
	m.log.Debug("dial failed", "peer", d.to, "cause", err)
}

// dialKey is that of the *dial in the context of Transport.Dial, for OpenedBy.
type dialKey struct{}

// errLookup is wrapped where the RouterInfo was not found, which says nothing about the router: strangers name hashes that do not
// exist, and our own tunnels may not be ready.
var errLookup = errors.New("look up")

// attempt looks the router up and dials it over the transports that can.
func (m *Mux) attempt(ctx context.Context, d *dial) error {
	to := d.to
	if m.Banned(to) { // since it was queued
		return ErrRefused
	}
	ri, err := m.deps.Lookup(ctx, to)
	if err != nil {
		return fmt.Errorf("transport: %w %s: %w", errLookup, to.Short(), err)
	}
	if ri.Hash() != to {
		return fmt.Errorf("transport: %w %s: RouterInfo of another router", errLookup, to.Short())
	}
	if id := ri.NetworkID(); m.cfg.NetworkID != 0 && id != m.cfg.NetworkID {
		err := &Violation{BanNetwork, fmt.Errorf("RouterInfo of network %d", id)}
		return fmt.Errorf("transport: look up %s: %w", to.Short(), err)
	}
	choices, err := m.choices(ri, d, time.Now())
	if err == nil {
		err = m.race(ctx, d, ri, choices)
	}
	if err != nil {
		return fmt.Errorf("transport: dial %s: %w", to.Short(), err)
	}
	return nil
}

// anyRoomLocked tells whether a dial would find a place, or a full table would make room for it. Dials for others count
// those of their kind that run.
func (m *Mux) anyRoomLocked(foreign bool, now time.Time) bool {
	n := newcomer{direction: Outbound, foreign: foreign}
	if foreign {
		n.underWay = m.foreignDials
	}
	for n.style = range m.styles {
		if _, ok := m.roomLocked(n, now); ok {
			return true
		}
	}
	return false
}

// finishLocked ends a dial. Nothing is appended to d.pending any more.
func (m *Mux) finishLocked(d *dial, err error) {
	delete(m.dials, d.to)
	m.pendingBytes -= d.bytes
	d.err = err
	close(d.done)
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
	m.queue, m.foreign = nil, nil
}
